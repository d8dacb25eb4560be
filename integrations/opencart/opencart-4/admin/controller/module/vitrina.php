<?php
/**
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

namespace Opencart\Admin\Controller\Extension\Vitrina\Module;

defined('DIR_EXTENSION') || exit;

foreach (['feed', 'tag', 'settings', 'admin_page'] as $file) {
    require_once DIR_EXTENSION . 'vitrina/system/library/vitrina/' . $file . '.php';
}

class Vitrina extends \Opencart\System\Engine\Controller
{
    use \Vitrina_Opencart_Admin_Page;

    protected function route(): string
    {
        return 'extension/vitrina/module/vitrina';
    }

    protected function feed_route(): string
    {
        return 'extension/vitrina/feed';
    }

    protected function add_event(): void
    {
        $this->model_setting_event->addEvent([
            'code' => 'vitrina',
            'description' => 'Vitrina: the Photo button',
            'trigger' => 'catalog/view/common/footer/after',
            'action' => 'extension/vitrina/footer',
            'status' => 1,
            'sort_order' => 0,
        ]);
    }
}
