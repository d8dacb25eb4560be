<?php
/**
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined('DIR_SYSTEM') || exit;

foreach (['yml', 'feed', 'tag', 'category_choice', 'settings', 'shop_side', 'catalogue'] as $file) {
    require_once DIR_SYSTEM . 'library/vitrina/' . $file . '.php';
}

class ControllerExtensionModuleVitrina extends Controller
{
    use Vitrina_Opencart_Shop_Side;

    /** The event after the view common/footer. */
    public function footer(&$route, &$data, &$output)
    {
        $output = $this->put_tag((string) $output);
    }

    /** The page extension/module/vitrina/feed. */
    public function feed()
    {
        $https = !empty($this->request->server['HTTPS']);
        $this->give_feed(
            function (int $id): string {
                return $this->url->link('product/product', 'product_id=' . $id);
            },
            (string) $this->config->get($https ? 'config_ssl' : 'config_url')
        );
    }
}
