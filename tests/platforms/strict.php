<?php
/** What the stand-ins share: every notice is an error, and the memory that a request took is told. */

error_reporting(-1);
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    if (!(error_reporting() & $level)) {
        return false; // behind an @
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});
set_exception_handler(static function (Throwable $error): void {
    if (!headers_sent()) {
        http_response_code(500);
    }
    echo "\nBROKEN: $error\n";
});

define('STATE', (string) getenv('STATE'));

register_shutdown_function(static function (): void {
    file_put_contents(STATE . '/peak', (string) memory_get_peak_usage());
});

/** What the test wrote into the state folder. */
function state(string $name, array $default = []): array
{
    $file = STATE . "/$name.json";
    return is_file($file) ? json_decode(file_get_contents($file), true, 64, JSON_THROW_ON_ERROR) : $default;
}

function keep_state(string $name, array $value): void
{
    file_put_contents(STATE . "/$name.json", json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE));
}

/** Answers with a picture of the state folder, where the path names one. */
function serve_picture(string $path): void
{
    $file = STATE . '/pictures/' . basename($path);
    if (is_file($file)) {
        header('Content-Type: image/png');
        readfile($file);
        exit;
    }
    http_response_code(404);
    exit;
}
