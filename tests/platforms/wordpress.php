<?php
/**
 * As much of WordPress and WooCommerce as the plugin meets, behind PHP's own web server.
 *
 * It is written from their documentation, with what makes plugins fail: quotes are slashed, texts come
 * with entities, a read product stays in memory, options pass their sanitizers, forms need their nonce.
 */

require __DIR__ . '/strict.php';

define('ABSPATH', __DIR__ . '/');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (0 === strpos($path, '/wp-content/uploads/')) {
    serve_picture($path);
}
ob_start(); // as themes and plugins do

function add_slashes(array $values): array
{
    return array_map(static function ($value) {
        return is_array($value) ? add_slashes($value) : (is_string($value) ? addslashes($value) : $value);
    }, $values);
}
[$_GET, $_POST, $_SERVER] = [add_slashes($_GET), add_slashes($_POST), add_slashes($_SERVER)];

// hooks

$hooks = [];
function add_filter(string $name, callable $callback, int $priority = 10): bool
{
    $GLOBALS['hooks'][$name][$priority][] = $callback;
    return true;
}
function add_action(string $name, callable $callback, int $priority = 10): bool
{
    return add_filter($name, $callback, $priority);
}
function apply_filters(string $name, $value)
{
    $hooks = $GLOBALS['hooks'][$name] ?? [];
    ksort($hooks);
    foreach ($hooks as $callbacks) {
        foreach ($callbacks as $callback) {
            $value = $callback($value);
        }
    }
    return $value;
}
function do_action(string $name, ...$arguments): void
{
    $hooks = $GLOBALS['hooks'][$name] ?? [];
    ksort($hooks);
    foreach ($hooks as $callbacks) {
        foreach ($callbacks as $callback) {
            $callback(...$arguments);
        }
    }
}

// options, with their sanitizers, as update_option has them

$registered = [];
function get_option(string $name, $default = false)
{
    return state('options')[$name] ?? $default;
}
function update_option(string $name, $value, $autoload = null): bool
{
    if (isset($GLOBALS['registered'][$name])) {
        $value = ($GLOBALS['registered'][$name]['sanitize_callback'])($value);
    }
    keep_state('options', array_merge(state('options'), [$name => $value]));
    return true;
}
function add_option(string $name, $value = ''): bool
{
    return isset(state('options')[$name]) ? false : update_option($name, $value);
}
function delete_option(string $name): bool
{
    $options = state('options');
    unset($options[$name]);
    keep_state('options', $options);
    return true;
}
function register_setting(string $group, string $name, array $arguments): void
{
    $GLOBALS['registered'][$name] = $arguments + ['group' => $group];
}
function settings_fields(string $group): void
{
    echo '<input type="hidden" name="option_page" value="' . esc_attr($group) . '">',
        '<input type="hidden" name="_wpnonce" value="' . nonce($group) . '">';
}
function nonce(string $group): string
{
    return substr(hash('sha256', "nonce of $group-options"), 0, 10);
}
function add_settings_error(string $setting, string $code, string $message): void
{
    keep_state('errors', array_merge(state('errors'), [$message]));
}
function settings_errors(): void
{
    foreach (state('errors') as $message) {
        echo '<div class="notice notice-error">' . $message . '</div>';
    }
    keep_state('errors', []);
}
function checked($checked): void
{
    echo $checked ? " checked='checked'" : '';
}
function submit_button(): void
{
    echo '<input type="submit" name="submit" value="Save">';
}

// users and pages

function current_user_can(string $capability): bool
{
    return in_array($capability, state('shop')['capabilities'] ?? [], true);
}
function is_admin(): bool
{
    return 0 === strpos($GLOBALS['path'], '/wp-admin/');
}
function is_ssl(): bool
{
    return !empty(state('shop')['https']);
}
function wp_die(string $message): void
{
    http_response_code(403);
    exit($message);
}
$pages = [];
function add_submenu_page(string $parent, string $title, string $menu, string $capability, string $slug, callable $callback): void
{
    $GLOBALS['pages'][$slug] = [$capability, $callback];
}
function status_header(int $code): void
{
    http_response_code($code);
}
function nocache_headers(): void
{
    header('Cache-Control: no-cache, must-revalidate, max-age=0, no-store, private');
}

// texts

function __(string $text, string $domain): string
{
    if ('vitrina-woocommerce' !== $domain) {
        throw new LogicException("the text domain $domain is not the plugin's");
    }
    return $text;
}
function esc_html__(string $text, string $domain): string
{
    return esc_html(__($text, $domain));
}
function esc_html_e(string $text, string $domain): void
{
    echo esc_html__($text, $domain);
}
function esc_html($text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES, 'UTF-8', false);
}
function esc_attr($text): string
{
    return esc_html($text);
}
function esc_url_raw(string $address): string
{
    return (string) preg_replace('/[^A-Za-z0-9\-~+_.?#=!&;,\/:%@$|*\'()\[\]\x80-\xff]/', '', $address);
}
function wp_unslash($value)
{
    return is_array($value) ? array_map('wp_unslash', $value) : (is_string($value) ? stripslashes($value) : $value);
}
function sanitize_text_field(string $text): string
{
    return trim((string) preg_replace('/[\r\n\t ]+/', ' ', strip_tags($text)));
}
function sanitize_key(string $text): string
{
    return (string) preg_replace('/[^a-z0-9_\-]/', '', strtolower($text));
}
function strip_shortcodes(string $text): string
{
    return (string) preg_replace('/\[gallery[^\]]*\]/', '', $text);
}
function wp_json_encode($value)
{
    return json_encode($value);
}
function wp_parse_url(string $address)
{
    return parse_url($address);
}
function load_plugin_textdomain(string $domain, bool $deprecated, string $folder): bool
{
    return is_dir(dirname(getenv('PLUGIN'), 2) . "/$folder") || throw new LogicException("there is no folder $folder");
}
function plugin_basename(string $file): string
{
    return basename(dirname($file)) . '/' . basename($file);
}
function home_url(string $path = ''): string
{
    return 'http://' . wp_unslash($_SERVER['HTTP_HOST']) . $path;
}
function add_query_arg(string $name, string $value, string $address): string
{
    return $address . (false === strpos($address, '?') ? '?' : '&') . $name . '=' . $value;
}
function wp_print_script_tag(array $attributes): void
{
    $html = '';
    foreach (apply_filters('wp_script_attributes', $attributes) as $name => $value) {
        $html .= true === $value ? ' ' . esc_attr($name) : ' ' . esc_attr($name) . '="' . esc_attr($value) . '"';
    }
    echo "<script$html></script>\n";
}

// the shop

function get_bloginfo(string $what): string
{
    return state('shop')['name'] ?? 'Лавка &amp; Ко';
}
function taxonomy_exists(string $name): bool
{
    return 'product_brand' === $name;
}
function get_terms(array $query): array
{
    return array_map(static function (array $category) {
        return (object) $category; // term_id, parent, name
    }, state('shop')['categories']);
}
function get_the_terms(int $id, string $taxonomy)
{
    $brand = wc_get_product($id)->get('brand', '');
    return '' === $brand ? false : [(object) ['name' => $brand]];
}
function get_post_field(string $field, int $id): string
{
    return wc_get_product($id)->get($field, '');
}
function wp_get_attachment_image_url(int $id, string $size)
{
    return $id > 0 ? home_url("/wp-content/uploads/$id.png") : false;
}

class WC_Product
{
    private $values;
    public function __construct(array $values)
    {
        $this->values = $values;
    }
    public function get(string $name, $default)
    {
        return $this->values[$name] ?? $default;
    }
    public function get_id(): int { return $this->values['id']; }
    public function get_name(): string { return $this->get('name', ''); }
    public function get_sku(): string { return $this->get('sku', ''); }
    public function get_status(): string { return $this->get('status', 'publish'); }
    public function get_description(): string { return $this->get('description', ''); }
    public function get_short_description(): string { return $this->get('short_description', ''); }
    public function get_permalink(): string { return home_url('/?p=' . $this->get_id() . '&x=1'); }
    public function get_price(): string { return $this->get('price', ''); }
    public function get_catalog_visibility(): string { return $this->get('visibility', 'visible'); }
    public function get_category_ids(): array { return $this->get('categories', []); }
    public function get_gallery_image_ids(): array { return $this->get('gallery', []); }
    public function is_in_stock(): bool { return $this->get('stock', true); }
    public function is_type(string $type): bool { return $type === $this->get('type', 'simple'); }
    public function get_visible_children(): array { return $this->get('children', []); }
    public function get_image_id(string $context = 'view')
    {
        $parent = $this->get('parent', 0);
        $own = $this->get('image', 0);
        return $own || 'edit' === $context || !$parent ? (string) $own : wc_get_product($parent)->get_image_id();
    }
    public function get_variation_price(string $which, bool $display)
    {
        return min(array_map(static function ($id) {
            return wc_get_price_to_display(wc_get_product($id));
        }, $this->get_visible_children()));
    }
}

class WC_Cache_Helper
{
    public static function get_transient_version(string $group): string
    {
        return (string) (state('shop')['version'] ?? 1);
    }
}

function wc_get_price_to_display(WC_Product $product): float
{
    return 1.2 * (float) $product->get_price(); // this shop shows prices with a tax of a fifth
}
function get_woocommerce_currency(): string
{
    return 'RUB';
}
function wc_set_time_limit(int $seconds): void
{
}

/** All goods by id: those that the test wrote, or as many as it wants. */
function goods(): array
{
    static $goods = null;
    return $goods ?? $goods = array_column(state('shop')['goods'] ?? [], null, 'id');
}
function made_up(int $id): array
{
    return [
        'id' => $id, 'name' => "Лампа $id", 'price' => (string) (100 + $id % 900), 'categories' => [2], 'image' => 1,
        'description' => str_repeat("Светит всю ночь, $id раз. ", 80),
    ];
}
$runtime_cache = [];
function wc_get_product($id)
{
    $wanted = state('shop')['count'] ?? 0;
    $values = $wanted ? made_up($id) : (goods()[$id] ?? null);
    if (!$values) {
        return false;
    }
    // WordPress keeps what it has read, until it is told to forget it
    return $GLOBALS['runtime_cache'][$id] ?? $GLOBALS['runtime_cache'][$id] = new WC_Product($values);
}
function wp_cache_supports(string $feature): bool
{
    return 'flush_runtime' === $feature;
}
function wp_cache_flush_runtime(): bool
{
    $GLOBALS['runtime_cache'] = [];
    return true;
}
function wc_get_products(array $query): array
{
    static $ids = null;
    $count = state('shop')['count'] ?? 0;
    $ids = $ids ?? ($count ? range(1, $count) : array_keys(array_filter(goods(), static function (array $values) {
        return !isset($values['parent']); // variations are no products of their own
    })));
    $found = isset($query['include']) ? array_values(array_intersect($query['include'], $ids)) : $ids;
    if (!$count) {
        $found = array_values(array_filter($found, static function ($id) use ($query) {
            return wc_get_product($id)->get_status() === $query['status'];
        }));
    }
    sort($found);
    if ($query['limit'] > 0) {
        $found = array_slice($found, 0, $query['limit']);
    }
    if (count($found) > 100 && 'ids' !== ($query['return'] ?? 'objects')) {
        throw new LogicException('more than a hundred products at once');
    }
    return 'ids' === ($query['return'] ?? 'objects') ? $found : array_map('wc_get_product', $found);
}

// the request

if ('/uninstall' === $path) {
    define('WP_UNINSTALL_PLUGIN', 'vitrina-woocommerce/vitrina-woocommerce.php');
    require dirname(getenv('PLUGIN')) . '/uninstall.php';
    exit;
}
require getenv('PLUGIN');
do_action('before_woocommerce_init');
do_action('plugins_loaded');
do_action('init');

if (is_admin()) {
    do_action('admin_menu');
    do_action('admin_init');
}
if ('/wp-admin/options.php' === $path) {
    $group = wp_unslash($_POST['option_page'] ?? '');
    $capability = apply_filters("option_page_capability_$group", 'manage_options');
    if (!current_user_can($capability) || !hash_equals(nonce($group), wp_unslash($_POST['_wpnonce'] ?? ''))) {
        wp_die('The link you followed has expired.');
    }
    foreach ($registered as $name => $setting) {
        if ($setting['group'] === $group) {
            update_option($name, wp_unslash($_POST[$name] ?? null));
        }
    }
    header('Location: /wp-admin/admin.php?page=vitrina', true, 302);
} elseif ('/wp-admin/admin.php' === $path) {
    [$capability, $callback] = $pages[$_GET['page']];
    if (!current_user_can($capability)) {
        wp_die('Sorry, you are not allowed to access this page.');
    }
    $callback();
} else {
    do_action('parse_request');
    echo "<!doctype html>\n<html lang=\"ru\">\n<body>\n<form role=\"search\"><input type=\"search\" name=\"s\"></form>\n";
    do_action('wp_footer');
    echo "</body>\n</html>\n";
}
