<?php
/**
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined('DIR_SYSTEM') || exit;

foreach (['feed', 'tag', 'settings', 'admin_page'] as $file) {
    require_once DIR_SYSTEM . 'library/vitrina/' . $file . '.php';
}

class ControllerExtensionModuleVitrina extends Controller
{
    use Vitrina_Opencart_Admin_Page;

    protected function route(): string
    {
        return 'extension/module/vitrina';
    }

    protected function feed_route(): string
    {
        return 'extension/module/vitrina/feed';
    }

    protected function add_event(): void
    {
        $this->model_setting_event->addEvent(
            'vitrina',
            'catalog/view/common/footer/after',
            'extension/module/vitrina/footer'
        );
    }
}
