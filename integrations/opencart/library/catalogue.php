<?php
/**
 * The shop's goods as a feed, two hundred at a time.
 *
 * Prices, names and what is on sale come from OpenCart's own product model, whose answer is the same in
 * versions 3 and 4; only lists of ids, categories and pictures are read from the tables.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Opencart_Catalogue
{
    private const PAGE = 200;

    private $db;
    private $config;
    private $tax;
    private $products;
    private $link;
    private $base;
    private $categories = [];
    private $choice;

    /**
     * @param object   $registry OpenCart's; the model catalog/product is loaded
     * @param callable $link     product id -> address of its page
     * @param string   $base     the shop's address, with a slash at its end
     */
    public function __construct($registry, callable $link, string $base)
    {
        $this->db = $registry->get('db');
        $this->config = $registry->get('config');
        $this->tax = $registry->get('tax');
        $this->products = $registry->get('model_catalog_product');
        $this->link = $link;
        $this->base = $base;
        $language = (int) $this->config->get('config_language_id');
        $rows = $this->rows(
            'SELECT c.`category_id`, c.`parent_id`, d.`name` FROM `' . DB_PREFIX . 'category` c INNER JOIN `'
            . DB_PREFIX . 'category_description` d ON (d.`category_id` = c.`category_id`) WHERE d.`language_id` = \''
            . $language . '\' ORDER BY c.`category_id`'
        );
        foreach ($rows as $row) {
            $this->categories[] = [
                'id' => (int) $row['category_id'],
                'parent' => (int) $row['parent_id'],
                'name' => self::plain($row['name']),
            ];
        }
        $this->choice = new Vitrina_Category_Choice($this->categories);
    }

    /**
     * Something that changes with the goods. An order changes a product's stock but not its date, hence
     * the sums; the day is for prices that begin and end by date.
     */
    public function stamp(): string
    {
        $state = $this->rows(
            'SELECT COUNT(*) AS `goods`, MAX(`date_modified`) AS `changed`, SUM(`quantity`) AS `stock`, SUM(`price`)'
            . ' AS `prices`, SUM(`status`) AS `shown` FROM `' . DB_PREFIX . 'product`'
        );
        $names = ['config_name', 'config_currency', 'config_language_id', 'config_store_id', 'config_tax', 'config_customer_price'];
        $settings = array_map([$this->config, 'get'], $names);
        return serialize([$state, $settings, gmdate('Y-m-d'), $this->base, $this->categories]);
    }

    /** The feed, piece by piece. */
    public function pieces(): Generator
    {
        yield Vitrina_Yml::head(self::plain((string) $this->config->get('config_name')), $this->base, $this->categories);
        for ($last = 0; $ids = $this->ids($last); $last = end($ids)) {
            if (function_exists('set_time_limit')) {
                set_time_limit(120);
            }
            $within = implode(',', $ids);
            $categories = $this->grouped('product_to_category', 'category_id', 'category_id', $within);
            $pictures = $this->grouped('product_image', 'image', 'sort_order', $within);
            foreach ($ids as $id) {
                $product = $this->products->getProduct($id);
                if ($product) {
                    yield Vitrina_Yml::offer($this->offer($id, $product, $categories[$id] ?? [], $pictures[$id] ?? []));
                }
            }
        }
        yield Vitrina_Yml::tail();
    }

    /** Ids of the next goods on sale; by id, so that goods that come and go meanwhile move no page. */
    private function ids(int $after): array
    {
        $rows = $this->rows(
            'SELECT p.`product_id` FROM `' . DB_PREFIX . 'product` p INNER JOIN `' . DB_PREFIX . 'product_to_store` s'
            . ' ON (s.`product_id` = p.`product_id`) WHERE p.`product_id` > \'' . $after . '\' AND p.`status` = \'1\''
            . ' AND p.`date_available` <= NOW() AND s.`store_id` = \'' . (int) $this->config->get('config_store_id')
            . '\' ORDER BY p.`product_id` LIMIT ' . self::PAGE
        );
        return array_map('intval', array_column($rows, 'product_id'));
    }

    /** A column of a table by product, in order. */
    private function grouped(string $table, string $column, string $order, string $within): array
    {
        $rows = $this->rows(
            "SELECT `product_id`, `$column` FROM `" . DB_PREFIX . "$table` WHERE `product_id` IN ($within) ORDER BY `$order`"
        );
        $grouped = [];
        foreach ($rows as $row) {
            $grouped[(int) $row['product_id']][] = $row[$column];
        }
        return $grouped;
    }

    private function offer(int $id, array $product, array $categories, array $pictures): array
    {
        return [
            'id' => $id,
            'name' => self::plain((string) $product['name']),
            'url' => self::plain(($this->link)($id)),
            'price' => $this->price($product),
            'currency' => (string) $this->config->get('config_currency'),
            'category' => $this->choice->of($categories),
            'pictures' => array_map([$this, 'picture'], array_filter(array_merge([$product['image'] ?? ''], $pictures))),
            'vendor' => self::plain((string) ($product['manufacturer'] ?? '')),
            'vendor_code' => self::plain((string) ($product['model'] ?? '')),
            'description' => self::plain((string) ($product['description'] ?? '')),
            'available' => (int) $product['quantity'] > 0,
        ];
    }

    /** As a visitor sees it who is not logged in; '' where those see none. */
    private function price(array $product)
    {
        if ($this->config->get('config_customer_price')) {
            return '';
        }
        $price = (float) ($product['special'] ?? 0) ?: (float) $product['price'];
        return $this->tax->calculate($price, (int) $product['tax_class_id'], (bool) $this->config->get('config_tax'));
    }

    private function picture(string $path): string
    {
        return $this->base . 'image/' . implode('/', array_map('rawurlencode', explode('/', self::plain($path))));
    }

    /** OpenCart keeps texts with entities in them. */
    private static function plain(string $text): string
    {
        return html_entity_decode($text, ENT_QUOTES | ENT_HTML5, 'UTF-8');
    }

    private function rows(string $sql): array
    {
        return $this->db->query($sql)->rows;
    }
}
