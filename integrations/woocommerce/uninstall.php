<?php
/**
 * Deleting the plugin leaves nothing of it in the database.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'vitrina_settings' );
delete_option( 'vitrina_feed_token' );
