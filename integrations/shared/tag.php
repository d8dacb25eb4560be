<?php
/**
 * The one tag that puts the Photo button into the shop's search field.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Tag
{
    public const RESULTS = ['submit', 'panel'];
    public const LANGUAGES = ['', 'ru', 'en'];
    private const LONGEST = 300;

    /**
     * The photo server's address as it is kept: with a slash at its end, without the script's name.
     *
     * @return string '' where the text is no http or https address of a server
     */
    public static function server(string $text): string
    {
        $text = preg_replace('#/widget\.js$#', '/', trim($text));
        if (!preg_match('#^(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$#i', $text, $parts)) {
            return '';
        }
        return strtolower($parts[1] . '://' . $parts[2]) . ($parts[3] ?? '') . rtrim($parts[4] ?? '', '/') . '/';
    }

    /** A CSS selector as it is kept: one line, not too long. */
    public static function selector(string $text): string
    {
        $text = trim((string) preg_replace('/[\x00-\x1F\x7F]+/', ' ', $text));
        return strlen($text) > self::LONGEST || !preg_match('//u', $text) ? '' : $text;
    }

    /**
     * The tag's attributes, unescaped.
     *
     * @param array<string, mixed> $settings   enabled, server, input, results, language
     * @param bool                 $is_secure  whether the page itself is https, which takes no http
     * @return array<string, string|true> empty where no tag is to be printed
     */
    public static function attributes(array $settings, bool $is_secure): array
    {
        $server = self::server((string) ($settings['server'] ?? ''));
        if (empty($settings['enabled']) || '' === $server || ($is_secure && 0 === strpos($server, 'http:'))) {
            return [];
        }
        $input = self::selector((string) ($settings['input'] ?? ''));
        $attributes = ['src' => $server . 'widget.js'];
        if ('' !== $input) {
            $attributes['data-input'] = $input;
        }
        if ('panel' === ($settings['results'] ?? '')) {
            $attributes['data-results'] = 'panel';
        }
        if (in_array($settings['language'] ?? '', ['ru', 'en'], true)) {
            $attributes['data-lang'] = $settings['language'];
        }
        return $attributes + ['defer' => true];
    }

    /**
     * The tag as HTML.
     *
     * @param array<string, string|true> $attributes as `attributes` gives them
     * @return string '' for none
     */
    public static function html(array $attributes): string
    {
        if (!$attributes) {
            return '';
        }
        $html = '<script';
        foreach ($attributes as $name => $value) {
            $html .= true === $value
                ? " $name"
                : " $name=\"" . htmlspecialchars($value, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8') . '"';
        }
        return $html . "></script>\n";
    }
}
