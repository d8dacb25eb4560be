<?php
/**
 * YML, the feed of Yandex Market, piece by piece: nothing of it is held but the offer at hand.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Yml
{
    private const NAME = 500;
    private const CATEGORY = 200;
    private const SHORT = 200;
    private const DESCRIPTION = 15000;
    private const ADDRESS = 2000;
    private const PICTURES = 10;

    /**
     * The document up to its first offer.
     *
     * @param array<int, array{id: int, parent: int, name: string}> $categories parent 0: at the root
     */
    public static function head(string $shop, string $address, array $categories): string
    {
        $head = '<?xml version="1.0" encoding="UTF-8"?>' . "\n"
            // the day, not the second: a feed that did not change is the same to the last byte
            . '<yml_catalog date="' . gmdate('Y-m-d') . '">' . "\n<shop>\n"
            . self::element('name', self::text($shop, self::NAME))
            . self::element('url', self::address($address))
            . "<categories>\n";
        foreach ($categories as $category) {
            $parent = $category['parent'] > 0 ? ' parentId="' . $category['parent'] . '"' : '';
            $name = self::text($category['name'], self::CATEGORY);
            $head .= '<category id="' . $category['id'] . '"' . $parent . '>'
                . ('' === $name ? '#' . $category['id'] : $name) . "</category>\n";
        }
        return $head . "</categories>\n<offers>\n";
    }

    /**
     * One offer; what is empty is left out.
     *
     * @param array<string, mixed> $offer id, name, category, price, currency, url, vendor,
     *     vendor_code, description, pictures (addresses), available
     */
    public static function offer(array $offer): string
    {
        $price = $offer['price'] ?? '';
        $currency = (string) ($offer['currency'] ?? '');
        $category = (int) ($offer['category'] ?? 0);
        $inside = self::element('name', self::text((string) ($offer['name'] ?? ''), self::NAME))
            . self::element('url', self::address((string) ($offer['url'] ?? '')))
            . self::element('price', is_numeric($price) && $price >= 0 ? number_format((float) $price, 2, '.', '') : '')
            . self::element('currencyId', preg_match('/^[A-Z]{3}$/', $currency) ? $currency : '')
            . self::element('categoryId', $category > 0 ? (string) $category : '');
        $pictures = array_unique(array_filter(array_map([self::class, 'address'], $offer['pictures'] ?? [])));
        foreach (array_slice($pictures, 0, self::PICTURES) as $picture) {
            $inside .= self::element('picture', $picture);
        }
        $inside .= self::element('vendor', self::text((string) ($offer['vendor'] ?? ''), self::SHORT))
            . self::element('vendorCode', self::text((string) ($offer['vendor_code'] ?? ''), self::SHORT))
            . self::element('description', self::text((string) ($offer['description'] ?? ''), self::DESCRIPTION));
        return '<offer id="' . self::text((string) $offer['id'], self::SHORT) . '" available="'
            . (empty($offer['available']) ? 'false' : 'true') . '">' . "\n" . $inside . "</offer>\n";
    }

    /** What closes the document; a feed without it broke off, and is not imported. */
    public static function tail(): string
    {
        return "</offers>\n</shop>\n</yml_catalog>\n";
    }

    /**
     * Text for an element or an attribute: valid UTF-8 without control characters, at most so many
     * characters, escaped.
     */
    private static function text(string $text, int $longest): string
    {
        $text = substr($text, 0, 4 * $longest); // a letter has four bytes at most
        if (!preg_match('//u', $text)) {
            $flags = ENT_NOQUOTES | ENT_SUBSTITUTE | ENT_XML1;
            $text = htmlspecialchars_decode(htmlspecialchars($text, $flags, 'UTF-8'), $flags);
        }
        $text = preg_replace('/[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{FFFE}\x{FFFF}]/u', '', $text);
        preg_match('/^\s*+(.{0,' . $longest . '})/us', (string) $text, $cut);
        return htmlspecialchars(rtrim($cut[1] ?? ''), ENT_QUOTES | ENT_SUBSTITUTE | ENT_XML1, 'UTF-8');
    }

    /** An http or https address, escaped; '' where it is none. */
    private static function address(string $address): string
    {
        $address = (string) preg_replace_callback(
            '/[^\x21-\x7E]/',
            static function (array $byte): string {
                return rawurlencode($byte[0]);
            },
            trim($address)
        );
        if (!preg_match('#^https?://[^/]#i', $address) || strlen($address) > self::ADDRESS) {
            return '';
        }
        return htmlspecialchars($address, ENT_QUOTES | ENT_XML1, 'UTF-8');
    }

    private static function element(string $name, string $content): string
    {
        return '' === $content ? '' : "<$name>$content</$name>\n";
    }
}
