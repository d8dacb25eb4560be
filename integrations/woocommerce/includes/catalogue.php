<?php
/**
 * The shop's published goods as a feed, a hundred at a time.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined( 'ABSPATH' ) || exit;

final class Vitrina_Catalogue {

	private const PAGE = 100;

	/** @var array<int, array{id: int, parent: int, name: string}> */
	private $categories = array();

	/** @var Vitrina_Category_Choice */
	private $choice;

	public function __construct() {
		$terms = get_terms(
			array(
				'taxonomy'   => 'product_cat',
				'hide_empty' => false,
			)
		);
		foreach ( is_array( $terms ) ? $terms : array() as $term ) {
			$this->categories[] = array(
				'id'     => (int) $term->term_id,
				'parent' => (int) $term->parent,
				'name'   => self::plain( $term->name ),
			);
		}
		$this->choice = new Vitrina_Category_Choice( $this->categories );
	}

	/**
	 * Something that changes with the goods: WooCommerce's own mark of a changed product, and the day,
	 * for what was changed past WooCommerce, and for prices that begin and end by date.
	 */
	public function stamp(): string {
		return (string) wp_json_encode(
			array(
				WC_Cache_Helper::get_transient_version( 'product' ),
				gmdate( 'Y-m-d' ),
				$this->categories,
				get_woocommerce_currency(),
				get_bloginfo( 'name' ),
				home_url( '/' ),
			)
		);
	}

	/** The feed, piece by piece. */
	public function pieces(): Generator {
		yield Vitrina_Yml::head( self::plain( get_bloginfo( 'name' ) ), home_url( '/' ), $this->categories );
		// All ids at once, and only ids: goods that come and go meanwhile move no page.
		$ids = wc_get_products(
			array(
				'status'  => 'publish',
				'limit'   => -1,
				'orderby' => 'ID',
				'order'   => 'ASC',
				'return'  => 'ids',
			)
		);
		foreach ( array_chunk( $ids, self::PAGE ) as $page ) {
			if ( function_exists( 'wc_set_time_limit' ) ) {
				wc_set_time_limit( 120 );
			}
			$products = wc_get_products(
				array(
					'status'  => 'publish',
					'include' => $page,
					'limit'   => self::PAGE,
					'orderby' => 'ID',
					'order'   => 'ASC',
				)
			);
			foreach ( $products as $product ) {
				if ( 'hidden' === $product->get_catalog_visibility() || '' !== (string) get_post_field( 'post_password', $product->get_id() ) ) {
					continue;
				}
				foreach ( $this->offers( $product ) as $offer ) {
					yield Vitrina_Yml::offer( $offer );
				}
			}
			unset( $products, $product );
			self::forget();
		}
		yield Vitrina_Yml::tail();
	}

	/**
	 * The product, and each of its variations that looks different: a shopper's photo shows a colour,
	 * never a size. Variations with the same picture are one offer, at the lowest price.
	 */
	private function offers( WC_Product $product ): array {
		$offers = array( $this->offer( $product ) );
		if ( ! $product->is_type( 'variable' ) ) {
			return $offers;
		}
		$looks = array();
		foreach ( $product->get_visible_children() as $id ) {
			$variation = wc_get_product( $id );
			if ( ! $variation || 'publish' !== $variation->get_status() ) {
				continue;
			}
			// 'edit' is its own picture; the usual way gives the product's where it has none
			$picture = (int) $variation->get_image_id( 'edit' );
			if ( $picture && (int) $product->get_image_id() !== $picture ) {
				$looks[ $picture ][] = $variation;
			}
		}
		foreach ( $looks as $picture => $variations ) {
			$offers[] = $this->look( $offers[0], (int) $picture, $variations );
		}
		return $offers;
	}

	private function offer( WC_Product $product ): array {
		$id          = $product->get_id();
		$description = (string) $product->get_description();
		$brands      = taxonomy_exists( 'product_brand' ) ? get_the_terms( $id, 'product_brand' ) : false;
		return array(
			'id'          => $id,
			'name'        => self::plain( $product->get_name() ),
			'url'         => $product->get_permalink(),
			'price'       => self::price( $product ),
			'currency'    => get_woocommerce_currency(),
			'category'    => $this->choice->of( $product->get_category_ids() ),
			'pictures'    => self::pictures( array_merge( array( $product->get_image_id() ), $product->get_gallery_image_ids() ) ),
			'vendor'      => is_array( $brands ) && $brands ? self::plain( reset( $brands )->name ) : '',
			'vendor_code' => (string) $product->get_sku(),
			'description' => strip_shortcodes( '' === $description ? (string) $product->get_short_description() : $description ),
			'available'   => $product->is_in_stock(),
		);
	}

	/** @param WC_Product[] $variations at least one, all with this picture */
	private function look( array $offer, int $picture, array $variations ): array {
		$first  = $variations[0];
		$prices = array_filter( array_map( array( self::class, 'price' ), $variations ), 'is_numeric' );
		return array_merge(
			$offer,
			array(
				'id'          => $first->get_id(),
				'name'        => count( $variations ) > 1 ? $offer['name'] : self::plain( $first->get_name() ),
				'url'         => $first->get_permalink(),
				'price'       => $prices ? min( $prices ) : '',
				'pictures'    => self::pictures( array( $picture ) ),
				'vendor_code' => (string) $first->get_sku(),
				'available'   => array_filter(
					$variations,
					static function ( $variation ) {
						return $variation->is_in_stock();
					}
				),
			)
		);
	}

	/** As the shop shows it, with or without tax; '' where there is none. */
	private static function price( WC_Product $product ) {
		if ( '' === (string) $product->get_price() ) {
			return '';
		}
		return $product->is_type( 'variable' ) ? $product->get_variation_price( 'min', true ) : wc_get_price_to_display( $product );
	}

	/** Addresses, in a size that is enough to learn from: uploads may have 60 megapixels. */
	private static function pictures( array $ids ): array {
		$addresses = array();
		foreach ( array_filter( $ids ) as $id ) {
			$addresses[] = (string) wp_get_attachment_image_url( (int) $id, 'large' );
		}
		return $addresses;
	}

	/** WordPress keeps some texts with entities in them. */
	private static function plain( string $text ): string {
		return html_entity_decode( $text, ENT_QUOTES | ENT_HTML5, 'UTF-8' );
	}

	/** WordPress remembers whatever it read; over a whole catalogue that would fill the memory. */
	private static function forget(): void {
		if ( function_exists( 'wp_cache_flush_runtime' )
			&& ( ! function_exists( 'wp_cache_supports' ) || wp_cache_supports( 'flush_runtime' ) ) ) {
			wp_cache_flush_runtime();
		}
	}
}
