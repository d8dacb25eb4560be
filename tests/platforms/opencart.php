<?php
/**
 * As much of OpenCart, version 3 or 4, as the extension meets, behind PHP's own web server.
 *
 * It is written from the platform's documented ways: routes lead to classes, events carry references,
 * requests and texts come with entities, models read a real database (SQLite), templates are Twig
 * without escaping of its own.
 */

require __DIR__ . '/strict.php';

define('VERSION', getenv('OPENCART') === '3' ? '3.0.3.9' : '4.0.2.3');
const DB_PREFIX = 'oc_';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (0 === strpos($path, '/image/')) {
    serve_picture(rawurldecode($path));
}
ob_start();
$is_three = VERSION[0] === '3';
$is_admin = 0 === strpos($path, '/admin/');
$host = 'http://' . $_SERVER['HTTP_HOST'] . '/';
define('HTTP_SERVER', $is_admin ? $host . 'admin/' : $host);
define('HTTP_CATALOG', $host);
$application = $is_admin ? 'Admin' : 'Catalog';
$root = getenv('SHOP') . '/';
if ($is_three) {
    define('DIR_SYSTEM', $root . 'system/');
    define('DIR_APPLICATION', $root . strtolower($application) . '/');
} else {
    define('DIR_EXTENSION', $root . 'extension/');
}

class Registry_
{
    private $things = [];
    public function get($name)
    {
        return $this->things[$name] ?? null;
    }
    public function set($name, $thing)
    {
        $this->things[$name] = $thing;
    }
}

abstract class Controller_
{
    protected $registry;
    public function __construct($registry)
    {
        $this->registry = $registry;
    }
    public function __get($name)
    {
        return $this->registry->get($name) ?? throw new LogicException("the registry has no $name");
    }
}
class_alias(Controller_::class, $is_three ? 'Controller' : 'Opencart\System\Engine\Controller');

class Config_
{
    private $values;
    public function __construct(array $values)
    {
        $this->values = $values;
    }
    public function get($name)
    {
        return $this->values[$name] ?? null;
    }
}

class Request_
{
    public $get;
    public $post;
    public $server;
    public function __construct()
    {
        [$this->get, $this->post, $this->server] = [$this->clean($_GET), $this->clean($_POST), $this->clean($_SERVER)];
    }
    private function clean($value)
    {
        return is_array($value) ? array_map([$this, 'clean'], $value) : htmlspecialchars((string) $value, ENT_COMPAT, 'UTF-8');
    }
}

class Response_
{
    private $output = '';
    public function addHeader($header)
    {
        header($header);
    }
    public function setOutput($output)
    {
        $this->output = $output;
    }
    public function redirect($address)
    {
        header('Location: ' . str_replace('&amp;', '&', $address), true, 302);
        exit;
    }
    public function output()
    {
        echo $this->output;
    }
}

class Url_
{
    public function link($route, $arguments = '', $third = false)
    {
        $address = HTTP_SERVER . 'index.php?route=' . $route . '&' . ltrim($arguments, '&');
        // version 3: whether it is https; version 4: whether it is for a script, and has no entities
        return $third && VERSION[0] === '4' ? $address : str_replace('&', '&amp;', $address);
    }
}

class Db_
{
    private $pdo;
    public function __construct()
    {
        $this->pdo = new PDO('sqlite:' . STATE . '/shop.sqlite');
        $this->pdo->sqliteCreateFunction('NOW', static function () {
            return gmdate('Y-m-d H:i:s');
        }, 0);
    }
    public function query($sql)
    {
        $rows = $this->pdo->query($sql)->fetchAll(PDO::FETCH_ASSOC);
        return (object) ['rows' => $rows, 'row' => $rows[0] ?? [], 'num_rows' => count($rows)];
    }
    public function escape($text)
    {
        return substr($this->pdo->quote($text), 1, -1);
    }
}

class Event_
{
    private $registry;
    public function __construct($registry)
    {
        $this->registry = $registry;
    }
    public function trigger($name, array $arguments)
    {
        global $application, $is_admin;
        $rows = $this->registry->get('db')->query('SELECT * FROM oc_event WHERE status = 1')->rows;
        foreach ($rows as $row) {
            if ($row['trigger'] === strtolower($application) . '/' . $name) {
                run($this->registry, $row['action'], $arguments);
            }
        }
    }
}

class Loader_
{
    private $registry;
    public function __construct($registry)
    {
        $this->registry = $registry;
    }
    public function controller($route)
    {
        return "<!-- $route -->";
    }
    public function language($route)
    {
        $this->registry->get('language')->load($route);
    }
    public function model($route)
    {
        $class = 'Model_' . str_replace('/', '_', $route);
        $this->registry->set('model_' . str_replace('/', '_', $route), new $class($this->registry));
    }
    public function view($route, $data = [])
    {
        global $is_three;
        if ('common/footer' === $route) {
            $output = $data['footer'];
        } else {
            require_once 'Twig/autoload.php';
            $file = $is_three
                ? DIR_APPLICATION . "view/template/$route.twig"
                : DIR_EXTENSION . preg_replace('#^extension/(\w+)/#', '$1/admin/view/template/', $route) . '.twig';
            $twig = new Twig\Environment(
                new Twig\Loader\ArrayLoader(['page' => file_get_contents($file)]),
                ['autoescape' => false, 'strict_variables' => true]
            );
            $output = $twig->render('page', $data);
        }
        $arguments = [&$route, &$data, &$output];
        $this->registry->get('event')->trigger("view/$route/after", $arguments);
        return $output;
    }
}

class Language_
{
    private $texts = [];
    public function load($route)
    {
        global $is_three;
        foreach (['en-gb', state('shop')['language'] ?? 'ru-ru'] as $code) {
            $_ = [];
            require $is_three
                ? DIR_APPLICATION . "language/$code/$route.php"
                : DIR_EXTENSION . preg_replace('#^extension/(\w+)/#', "$1/admin/language/$code/", $route) . '.php';
            $this->texts = array_merge($this->texts, $_);
        }
    }
    public function get($name)
    {
        return $this->texts[$name] ?? $name;
    }
}

class Document_
{
    public function setTitle($title)
    {
    }
}

class User_
{
    public function hasPermission($what, $route)
    {
        return in_array("$what $route", state('shop')['permissions'] ?? [], true);
    }
}

class Tax_
{
    public function calculate($value, $class, $calculate = true)
    {
        return $calculate && $class ? $value * 1.2 : $value;
    }
}

class Model_
{
    protected $db;
    protected $config;
    public function __construct($registry)
    {
        [$this->db, $this->config] = [$registry->get('db'), $registry->get('config')];
    }
    protected function insert($table, array $row)
    {
        $values = array_map(function ($value) {
            return "'" . $this->db->escape((string) $value) . "'";
        }, $row);
        $this->db->query("INSERT INTO $table (`" . implode('`,`', array_keys($row)) . '`) VALUES (' . implode(',', $values) . ')');
    }
}

class Model_setting_setting extends Model_
{
    public function editSetting($code, array $settings, $store = 0)
    {
        $this->deleteSetting($code);
        foreach ($settings as $name => $value) {
            if (0 === strpos($name, $code)) { // others are not kept
                $this->insert('oc_setting', ['code' => $code, 'key' => $name, 'value' => $value]);
            }
        }
    }
    public function deleteSetting($code)
    {
        $this->db->query("DELETE FROM oc_setting WHERE `code` = '" . $this->db->escape($code) . "'");
    }
}

abstract class Events_ extends Model_
{
    public function deleteEventByCode($code)
    {
        $this->db->query("DELETE FROM oc_event WHERE `code` = '" . $this->db->escape($code) . "'");
    }
}
if ($is_three) {
    class Model_setting_event extends Events_
    {
        public function addEvent($code, $trigger, $action, $status = 1, $order = 0)
        {
            $this->insert('oc_event', compact('code', 'trigger', 'action', 'status'));
        }
    }
} else {
    class Model_setting_event extends Events_
    {
        public function addEvent(array $data): int
        {
            unset($data['description'], $data['sort_order']);
            $this->insert('oc_event', $data);
            return 1;
        }
    }
}

class Model_catalog_product extends Model_
{
    public function getProduct($id)
    {
        $row = $this->db->query(
            'SELECT p.*, d.name, d.description, m.name AS manufacturer, (SELECT s.price FROM oc_product_special s'
            . ' WHERE s.product_id = p.product_id) AS special FROM oc_product p JOIN oc_product_description d ON'
            . ' d.product_id = p.product_id LEFT JOIN oc_manufacturer m ON m.manufacturer_id = p.manufacturer_id'
            . ' WHERE p.product_id = ' . (int) $id . ' AND d.language_id = ' . (int) $this->config->get('config_language_id')
            . " AND p.status = '1' AND p.date_available <= NOW()"
        )->row;
        return $row ?: (VERSION[0] === '3' ? false : []);
    }
}

/** Runs a route: version 3 finds a file and perhaps a method in it, version 4 a class. */
function run($registry, string $route, array $arguments)
{
    global $is_three, $application;
    $method = 'index';
    if ($is_three) {
        $parts = explode('/', $route);
        while ($parts && !is_file($file = DIR_APPLICATION . 'controller/' . implode('/', $parts) . '.php')) {
            $method = array_pop($parts);
        }
        $class = $parts ? 'Controller' . preg_replace('/[^a-zA-Z0-9]/', '', implode('/', $parts)) : '';
    } else {
        [$name, $method] = array_pad(explode('.', $route), 2, 'index');
        [, $extension, $rest] = array_pad(explode('/', $name, 3), 3, '');
        $file = DIR_EXTENSION . $extension . '/' . strtolower($application) . "/controller/$rest.php";
        $class = "Opencart\\$application\\Controller\\" . str_replace(['_', '/'], ['', '\\'], ucwords($name, '_/'));
    }
    if ('' === $class || !is_file($file)) {
        http_response_code(404);
        return null;
    }
    require_once $file;
    $controller = new $class($registry);
    $called = new ReflectionMethod($controller, $method);
    if (!$called->isPublic() || $called->getNumberOfRequiredParameters() > count($arguments)) {
        http_response_code(404);
        return null;
    }
    return call_user_func_array([$controller, $method], $arguments);
}

$registry = new Registry_();
$db = new Db_();
$settings = array_column($db->query('SELECT `key`, `value` FROM oc_setting')->rows, 'value', 'key') + [
    'config_name' => 'Лавка &amp; Ко', 'config_currency' => 'RUB', 'config_language_id' => 1, 'config_language' => 'ru-ru',
    'config_store_id' => 0, 'config_url' => $host, 'config_ssl' => $host, 'config_tax' => 1,
];
$things = [
    'db' => $db, 'config' => new Config_((state('shop')['config'] ?? []) + $settings), 'request' => new Request_(),
    'response' => new Response_(), 'url' => new Url_(), 'load' => new Loader_($registry), 'language' => new Language_(),
    'document' => new Document_(), 'user' => new User_(), 'tax' => new Tax_(), 'event' => new Event_($registry),
    'session' => (object) ['data' => state('session') + ['user_token' => 'let-me-in']],
];
foreach ($things as $name => $thing) {
    $registry->set($name, $thing);
}
register_shutdown_function(static function () use ($registry): void {
    keep_state('session', $registry->get('session')->data);
});
if (!empty(state('shop')['https'])) {
    $registry->get('request')->server['HTTPS'] = true;
}

$route = (string) ($registry->get('request')->get['route'] ?? 'common/home');
if ('common/home' === $route) {
    $page = "<!doctype html>\n<body>\n<input type=\"text\" name=\"search\">\n";
    $footer = ['footer' => "<footer>Лавка</footer>\n</body></html>\n"];
    $registry->get('response')->setOutput($page . $registry->get('load')->view('common/footer', $footer));
} elseif ($is_admin && ($registry->get('request')->get['user_token'] ?? '') !== 'let-me-in') {
    http_response_code(403);
} else {
    run($registry, $route, []);
}
$registry->get('response')->output();
