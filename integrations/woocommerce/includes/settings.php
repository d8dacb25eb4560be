<?php
/**
 * The settings page, in WooCommerce's own menu.
 *
 * @license Apache-2.0 OR GPL-2.0-or-later
 */

defined( 'ABSPATH' ) || exit;

final class Vitrina_Settings {

	public const OPTION      = 'vitrina_settings';
	public const TOKEN       = 'vitrina_feed_token';
	private const GROUP      = 'vitrina';
	private const CAPABILITY = 'manage_woocommerce';
	private const DEFAULTS   = array(
		'enabled'  => false,
		'server'   => '',
		'input'    => '',
		'results'  => 'submit',
		'language' => '',
	);

	/** What is set, complete, whatever the database holds. */
	public static function get(): array {
		$settings = get_option( self::OPTION, array() );
		return array_merge( self::DEFAULTS, is_array( $settings ) ? $settings : array() );
	}

	public static function register(): void {
		add_action( 'admin_menu', array( self::class, 'add_page' ) );
		add_action( 'admin_init', array( self::class, 'register_setting' ) );
		add_filter(
			'option_page_capability_' . self::GROUP,
			static function () {
				return self::CAPABILITY;
			}
		);
	}

	public static function add_page(): void {
		add_submenu_page(
			'woocommerce',
			__( 'Photo search', 'vitrina-woocommerce' ),
			__( 'Photo search', 'vitrina-woocommerce' ),
			self::CAPABILITY,
			'vitrina',
			array( self::class, 'page' )
		);
	}

	public static function register_setting(): void {
		add_option( self::TOKEN, Vitrina_Feed::new_token() ); // does nothing where there is one
		register_setting(
			self::GROUP,
			self::OPTION,
			array(
				'type'              => 'array',
				'sanitize_callback' => array( self::class, 'sanitize' ),
				'default'           => self::DEFAULTS,
			)
		);
	}

	/**
	 * What is kept of what the page sends. A wrong address changes nothing but is told.
	 *
	 * @param mixed $given
	 */
	public static function sanitize( $given ): array {
		$given  = ( is_array( $given ) ? array_filter( $given, 'is_string' ) : array() ) + self::DEFAULTS;
		$server = Vitrina_Tag::server( $given['server'] );
		if ( '' === $server && '' !== trim( $given['server'] ) ) {
			$server = self::get()['server'];
			add_settings_error(
				self::OPTION,
				'server',
				__( 'The address of the photo server is not an address such as https://photo.shop.example.', 'vitrina-woocommerce' )
			);
		}
		if ( ! empty( $given['new_token'] ) ) {
			update_option( self::TOKEN, Vitrina_Feed::new_token() );
		}
		return array(
			'enabled'  => ! empty( $given['enabled'] ),
			'server'   => $server,
			'input'    => Vitrina_Tag::selector( $given['input'] ),
			'results'  => in_array( $given['results'], Vitrina_Tag::RESULTS, true ) ? $given['results'] : 'submit',
			'language' => in_array( $given['language'], Vitrina_Tag::LANGUAGES, true ) ? $given['language'] : '',
		);
	}

	/** The address that goes into `vitrina import`. */
	public static function feed_address(): string {
		return add_query_arg( 'vitrina_feed', (string) get_option( self::TOKEN, '' ), home_url( '/' ) );
	}

	public static function page(): void {
		if ( ! current_user_can( self::CAPABILITY ) ) {
			wp_die( esc_html__( 'You may not change these settings.', 'vitrina-woocommerce' ) );
		}
		$settings  = self::get();
		$results   = array(
			'submit' => __( 'in the shop\'s own search', 'vitrina-woocommerce' ),
			'panel'  => __( 'in a panel above the page', 'vitrina-woocommerce' ),
		);
		$languages = array(
			''   => __( 'that of the page', 'vitrina-woocommerce' ),
			'ru' => 'русский',
			'en' => 'English',
		);
		?>
		<div class="wrap">
			<h1><?php esc_html_e( 'Photo search', 'vitrina-woocommerce' ); ?></h1>
			<?php settings_errors(); ?>
			<?php if ( is_ssl() && 0 === strpos( $settings['server'], 'http:' ) ) : ?>
				<div class="notice notice-error"><p>
					<?php esc_html_e( 'This shop is https, its photo server is not: browsers would block the button, so it is not shown.', 'vitrina-woocommerce' ); ?>
				</p></div>
			<?php endif; ?>
			<form action="options.php" method="post">
				<?php settings_fields( self::GROUP ); ?>
				<table class="form-table" role="presentation">
					<tr>
						<th scope="row"><?php esc_html_e( 'Photo button', 'vitrina-woocommerce' ); ?></th>
						<td><label>
							<input type="checkbox" name="vitrina_settings[enabled]" value="1" <?php checked( $settings['enabled'] ); ?>>
							<?php esc_html_e( 'shown in the search field', 'vitrina-woocommerce' ); ?>
						</label></td>
					</tr>
					<tr>
						<th scope="row"><label for="vitrina-server"><?php esc_html_e( 'Address of the photo server', 'vitrina-woocommerce' ); ?></label></th>
						<td>
							<input type="url" class="regular-text" id="vitrina-server" name="vitrina_settings[server]"
								value="<?php echo esc_attr( $settings['server'] ); ?>" placeholder="https://photo.shop.example/">
							<p class="description">
								<?php esc_html_e( 'The server must let this shop in; in its shop.toml:', 'vitrina-woocommerce' ); ?>
								<code>cors_origins = ["<?php echo esc_html( self::origin() ); ?>"]</code>
							</p>
						</td>
					</tr>
					<tr>
						<th scope="row"><label for="vitrina-input"><?php esc_html_e( 'Search field', 'vitrina-woocommerce' ); ?></label></th>
						<td>
							<input type="text" class="regular-text code" id="vitrina-input" name="vitrina_settings[input]"
								value="<?php echo esc_attr( $settings['input'] ); ?>" placeholder="input[name=s]">
							<p class="description"><?php esc_html_e( 'A CSS selector. Empty: the fields that themes usually have.', 'vitrina-woocommerce' ); ?></p>
						</td>
					</tr>
					<tr>
						<th scope="row"><label for="vitrina-results"><?php esc_html_e( 'Goods are shown', 'vitrina-woocommerce' ); ?></label></th>
						<td><?php self::choice( 'results', $results, $settings['results'] ); ?></td>
					</tr>
					<tr>
						<th scope="row"><label for="vitrina-language"><?php esc_html_e( 'Language', 'vitrina-woocommerce' ); ?></label></th>
						<td><?php self::choice( 'language', $languages, $settings['language'] ); ?></td>
					</tr>
					<tr>
						<th scope="row"><?php esc_html_e( 'Feed of the goods', 'vitrina-woocommerce' ); ?></th>
						<td>
							<code>vitrina import "<?php echo esc_html( self::feed_address() ); ?>"</code>
							<p class="description"><?php esc_html_e( 'Keep the address to yourself: whoever knows it can read all published goods.', 'vitrina-woocommerce' ); ?></p>
							<p><label>
								<input type="checkbox" name="vitrina_settings[new_token]" value="1">
								<?php esc_html_e( 'make a new address; the old one stops working', 'vitrina-woocommerce' ); ?>
							</label></p>
						</td>
					</tr>
				</table>
				<?php submit_button(); ?>
			</form>
		</div>
		<?php
	}

	private static function choice( string $name, array $choices, string $chosen ): void {
		printf( '<select id="%s" name="%s">', esc_attr( "vitrina-$name" ), esc_attr( "vitrina_settings[$name]" ) );
		foreach ( $choices as $value => $label ) {
			printf(
				'<option value="%s"%s>%s</option>',
				esc_attr( $value ),
				(string) $value === $chosen ? ' selected' : '',
				esc_html( $label )
			);
		}
		echo '</select>';
	}

	/** What browsers call this shop when they ask other servers. */
	private static function origin(): string {
		$parts = wp_parse_url( home_url( '/' ) );
		return $parts['scheme'] . '://' . $parts['host'] . ( isset( $parts['port'] ) ? ':' . $parts['port'] : '' );
	}
}
