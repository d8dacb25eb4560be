<?php
/**
 * What the shop's visitors and the photo server meet: OpenCart 3 and 4 alike.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

trait Vitrina_Opencart_Shop_Side
{
    /** Puts the tag into a page's end. */
    private function put_tag(string $html): string
    {
        $https = $this->request->server['HTTPS'] ?? '';
        $tag = Vitrina_Tag::html(
            Vitrina_Tag::attributes(Vitrina_Opencart_Settings::read($this->config), $https && 'off' !== $https)
        );
        $end = strripos($html, '</body>');
        return false === $end ? $html . $tag : substr_replace($html, $tag, $end, 0);
    }

    /**
     * Gives out the feed and ends, or says that there is none.
     *
     * @param callable $link product id -> address of its page
     * @param string   $base the shop's address, with a slash at its end
     */
    private function give_feed(callable $link, string $base): void
    {
        $token = Vitrina_Opencart_Settings::token($this->config);
        if (!Vitrina_Feed::is_allowed($token, $this->request->get['token'] ?? '')) {
            $this->response->addHeader(($this->request->server['SERVER_PROTOCOL'] ?? 'HTTP/1.1') . ' 404 Not Found');
            $this->response->setOutput('');
            return;
        }
        $this->load->model('catalog/product');
        $catalogue = new Vitrina_Opencart_Catalogue($this->registry, $link, $base);
        $known = (string) ($_SERVER['HTTP_IF_NONE_MATCH'] ?? ''); // OpenCart's own has entities in it
        if (Vitrina_Feed::begin($catalogue->stamp(), $known, (string) ($this->request->server['REQUEST_METHOD'] ?? 'GET'))) {
            foreach ($catalogue->pieces() as $piece) {
                Vitrina_Feed::send($piece);
            }
        }
        exit; // the response would hold the whole feed in memory
    }
}
