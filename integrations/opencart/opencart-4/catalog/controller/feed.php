<?php
/**
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

namespace Opencart\Catalog\Controller\Extension\Vitrina;

defined('DIR_EXTENSION') || exit;

foreach (['yml', 'feed', 'tag', 'category_choice', 'settings', 'shop_side', 'catalogue'] as $file) {
    require_once DIR_EXTENSION . 'vitrina/system/library/vitrina/' . $file . '.php';
}

/** The page extension/vitrina/feed. */
class Feed extends \Opencart\System\Engine\Controller
{
    use \Vitrina_Opencart_Shop_Side;

    public function index(): void
    {
        $this->give_feed(
            function (int $id): string {
                $language = 'language=' . $this->config->get('config_language');
                return $this->url->link('product/product', $language . '&product_id=' . $id);
            },
            (string) $this->config->get('config_url')
        );
    }
}
