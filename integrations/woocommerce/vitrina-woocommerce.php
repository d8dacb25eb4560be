<?php
/**
 * Plugin Name:       Vitrina: photo search for WooCommerce
 * Description:       Puts the Photo button of your Vitrina server into the shop's search field, and gives Vitrina the goods as a feed.
 * Version:           1.0.0
 * Requires at least: 6.0
 * Requires PHP:      7.4
 * Requires Plugins:  woocommerce
 * WC requires at least: 6.0
 * Author:            The Vitrina project
 * License:           GPL-2.0-or-later
 * License URI:       https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:       vitrina-woocommerce
 * Domain Path:       /languages
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined( 'ABSPATH' ) || exit;

// What begins with "shared" comes from integrations/shared; the build puts it here.
require_once __DIR__ . '/includes/shared/yml.php';
require_once __DIR__ . '/includes/shared/feed.php';
require_once __DIR__ . '/includes/shared/tag.php';
require_once __DIR__ . '/includes/shared/category_choice.php';
require_once __DIR__ . '/includes/settings.php';
require_once __DIR__ . '/includes/catalogue.php';

add_action(
	'before_woocommerce_init',
	static function () {
		if ( class_exists( '\Automattic\WooCommerce\Utilities\FeaturesUtil' ) ) {
			// no order is touched, wherever they are kept
			\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', __FILE__, true );
		}
	}
);

add_action(
	'init',
	static function () {
		load_plugin_textdomain( 'vitrina-woocommerce', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
	}
);

add_action(
	'wp_footer',
	static function () {
		$attributes = Vitrina_Tag::attributes( Vitrina_Settings::get(), is_ssl() );
		if ( $attributes ) {
			$attributes['src'] = esc_url_raw( $attributes['src'] );
			wp_print_script_tag( $attributes ); // escapes the attributes, and lets plugins add a nonce
		}
	}
);

add_action(
	'parse_request',
	static function () {
		// phpcs:disable WordPress.Security.NonceVerification -- an address that machines ask, with a secret in it
		if ( ! isset( $_GET['vitrina_feed'] ) ) {
			return;
		}
		$given = wp_unslash( $_GET['vitrina_feed'] ); // phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- compared, never used
		// phpcs:enable
		if ( ! function_exists( 'wc_get_products' )
			|| ! Vitrina_Feed::is_allowed( (string) get_option( Vitrina_Settings::TOKEN, '' ), $given ) ) {
			nocache_headers();
			status_header( 404 );
			exit;
		}
		if ( ! defined( 'DONOTCACHEPAGE' ) ) {
			define( 'DONOTCACHEPAGE', true ); // what page caches agreed on
		}
		$catalogue = new Vitrina_Catalogue();
		$known     = isset( $_SERVER['HTTP_IF_NONE_MATCH'] ) ? sanitize_text_field( wp_unslash( $_SERVER['HTTP_IF_NONE_MATCH'] ) ) : '';
		$method    = isset( $_SERVER['REQUEST_METHOD'] ) ? sanitize_key( $_SERVER['REQUEST_METHOD'] ) : '';
		if ( Vitrina_Feed::begin( $catalogue->stamp(), $known, strtoupper( $method ) ) ) {
			foreach ( $catalogue->pieces() as $piece ) {
				Vitrina_Feed::send( $piece );
			}
		}
		exit;
	},
	0
);

if ( is_admin() ) {
	Vitrina_Settings::register();
}
