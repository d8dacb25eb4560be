<?php
/**
 * The settings page, and what installing and removing the extension does: OpenCart 3 and 4 alike.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

trait Vitrina_Opencart_Admin_Page
{
    private static $texts = [
        'heading_title', 'text_extension', 'text_edit', 'text_shown', 'text_submit', 'text_panel', 'text_page_language',
        'text_new_token', 'entry_enabled', 'entry_server', 'entry_input', 'entry_results', 'entry_language', 'entry_feed',
        'help_server', 'help_input', 'help_feed', 'button_save', 'button_back', 'error_http',
    ];

    /** Where this page is. */
    abstract protected function route(): string;

    /** Where the shop gives out the feed. */
    abstract protected function feed_route(): string;

    /** Has the shop's footer pass through the extension. */
    abstract protected function add_event(): void;

    public function index(): void
    {
        $this->load->language($this->route());
        $this->document->setTitle($this->language->get('heading_title'));
        $settings = Vitrina_Opencart_Settings::read($this->config);
        $warning = '';
        if ('POST' === ($this->request->server['REQUEST_METHOD'] ?? '')) {
            $settings = Vitrina_Opencart_Settings::given($this->request->post);
            $warning = $this->fault($settings);
            if ('' === $warning) {
                $this->save($settings);
                return;
            }
        }
        $this->show($settings, $warning);
    }

    public function install(): void
    {
        $this->load->model('setting/event');
        $this->model_setting_event->deleteEventByCode('vitrina');
        $this->add_event();
        $this->load->model('setting/setting');
        $this->model_setting_setting->editSetting(
            Vitrina_Opencart_Settings::CODE,
            Vitrina_Opencart_Settings::rows(Vitrina_Opencart_Settings::given([]), Vitrina_Feed::new_token())
        );
    }

    public function uninstall(): void
    {
        $this->load->model('setting/event');
        $this->model_setting_event->deleteEventByCode('vitrina');
        $this->load->model('setting/setting');
        $this->model_setting_setting->deleteSetting(Vitrina_Opencart_Settings::CODE);
    }

    private function fault(array $settings): string
    {
        if (!$this->user->hasPermission('modify', $this->route())) {
            return $this->language->get('error_permission');
        }
        if ('' === $settings['server'] && '' !== trim((string) ($this->request->post['server'] ?? ''))) {
            return $this->language->get('error_server');
        }
        return '';
    }

    private function save(array $settings): void
    {
        $token = Vitrina_Opencart_Settings::token($this->config);
        if ('' === $token || !empty($this->request->post['new_token'])) {
            $token = Vitrina_Feed::new_token();
        }
        $this->load->model('setting/setting');
        $this->model_setting_setting->editSetting(
            Vitrina_Opencart_Settings::CODE,
            Vitrina_Opencart_Settings::rows($settings, $token)
        );
        $this->session->data['success'] = $this->language->get('text_success');
        $this->response->redirect($this->address($this->route()));
    }

    private function show(array $settings, string $warning): void
    {
        $is_secure = defined('HTTPS_CATALOG') && $this->config->get('config_secure'); // version 3 has two
        $shop = $is_secure ? HTTPS_CATALOG : HTTP_CATALOG;
        $data = [
            'action' => $this->address($this->route()),
            'back' => $this->address('marketplace/extension', '&type=module'),
            'warning' => $warning,
            'success' => (string) ($this->session->data['success'] ?? ''),
            'settings' => $settings,
            'is_blocked' => 0 === strpos($settings['server'], 'http:') && 0 === strpos($shop, 'https:'),
            'origin' => implode('/', array_slice(explode('/', $shop), 0, 3)),
            'feed' => $shop . 'index.php?route=' . $this->feed_route() . '&token='
                . Vitrina_Opencart_Settings::token($this->config),
        ];
        unset($this->session->data['success']);
        foreach (self::$texts as $text) {
            $data[$text] = $this->language->get($text);
        }
        foreach (['header', 'column_left', 'footer'] as $part) {
            $data[$part] = $this->load->controller('common/' . $part);
        }
        $this->response->setOutput($this->load->view($this->route(), $data));
    }

    private function address(string $route, string $more = ''): string
    {
        $address = $this->url->link($route, 'user_token=' . $this->session->data['user_token'] . $more, true);
        return html_entity_decode($address, ENT_QUOTES, 'UTF-8'); // the template puts the entities back
    }
}
