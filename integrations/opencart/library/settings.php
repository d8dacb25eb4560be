<?php
/**
 * What the shop's owner sets, in the form in which OpenCart keeps it.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Opencart_Settings
{
    public const CODE = 'module_vitrina';
    private const NAMES = ['enabled' => 'status', 'server' => 'server', 'input' => 'input', 'results' => 'results', 'language' => 'language'];

    /**
     * @param object $config OpenCart's
     * @return array<string, mixed> as `Vitrina_Tag::attributes` takes them
     */
    public static function read($config): array
    {
        $settings = [];
        foreach (self::NAMES as $name => $key) {
            $settings[$name] = (string) $config->get(self::CODE . '_' . $key);
        }
        return $settings;
    }

    /** @param object $config OpenCart's */
    public static function token($config): string
    {
        return (string) $config->get(self::CODE . '_token');
    }

    /**
     * What a form sent, as it may be kept.
     *
     * @param array<string, mixed> $post OpenCart has put entities into it
     * @return array<string, string> `server` is '' where it is no address
     */
    public static function given(array $post): array
    {
        $text = static function (string $name) use ($post): string {
            $value = $post[$name] ?? '';
            return is_string($value) ? html_entity_decode($value, ENT_QUOTES, 'UTF-8') : '';
        };
        return [
            'enabled' => $text('enabled') ? '1' : '0',
            'server' => Vitrina_Tag::server($text('server')),
            'input' => Vitrina_Tag::selector($text('input')),
            'results' => in_array($text('results'), Vitrina_Tag::RESULTS, true) ? $text('results') : 'submit',
            'language' => in_array($text('language'), Vitrina_Tag::LANGUAGES, true) ? $text('language') : '',
        ];
    }

    /**
     * As OpenCart's settings model takes them.
     *
     * @param array<string, string> $settings
     * @return array<string, string>
     */
    public static function rows(array $settings, string $token): array
    {
        $rows = [self::CODE . '_token' => $token];
        foreach (self::NAMES as $name => $key) {
            $rows[self::CODE . '_' . $key] = $settings[$name];
        }
        return $rows;
    }
}
