<?php
/**
 * How the feed is given out: to those who know its address, once for every change.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

final class Vitrina_Feed
{
    /** A secret that no one guesses: 40 hexadecimal digits. */
    public static function new_token(): string
    {
        return bin2hex(random_bytes(20));
    }

    /**
     * Whether the asker knows the secret; takes as long for a nearly right one as for a wrong one.
     *
     * @param mixed $given what the address holds; PHP makes lists of such things, too
     */
    public static function is_allowed(string $token, $given): bool
    {
        return '' !== $token && is_string($given) && hash_equals($token, $given);
    }

    /**
     * Sends the answer's head.
     *
     * @param string $stamp  what changes whenever the feed does
     * @param string $known  the request's If-None-Match
     * @param string $method the request's method
     * @return bool whether the feed is to follow
     */
    public static function begin(string $stamp, string $known, string $method): bool
    {
        // what collects the page's output would hold the whole feed in memory
        while (ob_get_level() > 0 && @ob_end_clean()) {
            continue;
        }
        $etag = substr(hash('sha256', $stamp), 0, 32);
        header('Content-Type: application/xml; charset=utf-8');
        header('ETag: W/"' . $etag . '"');
        header('Cache-Control: private, no-cache');
        header('X-Robots-Tag: noindex');
        header('X-Accel-Buffering: no'); // nginx passes on what there is, and no one waits in vain
        if (false !== strpos($known, '"' . $etag . '"')) {
            http_response_code(304);
            return false;
        }
        http_response_code(200);
        return 'HEAD' !== $method;
    }

    /** Sends a piece at once. */
    public static function send(string $piece): void
    {
        echo $piece; // phpcs:ignore WordPress.Security.EscapeOutput -- XML that Vitrina_Yml escaped
        flush();
    }
}
