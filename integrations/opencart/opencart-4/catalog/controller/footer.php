<?php
/**
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

namespace Opencart\Catalog\Controller\Extension\Vitrina;

defined('DIR_EXTENSION') || exit;

foreach (['tag', 'settings', 'shop_side'] as $file) {
    require_once DIR_EXTENSION . 'vitrina/system/library/vitrina/' . $file . '.php';
}

/** The event after the view common/footer. */
class Footer extends \Opencart\System\Engine\Controller
{
    use \Vitrina_Opencart_Shop_Side;

    // the defaults are for those who ask for it as a page, which it is not
    public function index(&$route = '', &$data = [], &$output = ''): void
    {
        $output = $this->put_tag((string) $output);
    }
}
