<?php
/**
 * Tells the platform which pages of this site changed, at the end of the request that changed them. Loaded before WordPress, whose hooks are filled in ahead;
 * only where something can change: in the admin container, and not for a page that is made to be kept.
 */

/** What is to be dropped: paths, beginnings of paths, or everything. */
final class Subako_Page_Cache {
	private static array $paths    = array();
	private static array $prefixes = array();
	private static bool $all       = false;

	/** These change a little on every page, or where pages are. */
	private const OPTIONS = '/^(?:blogname|blogdescription|siteurl|home|permalink_structure|category_base|tag_base|posts_per_page|posts_per_rss|rss_use_excerpt|show_on_front|page_on_front|page_for_posts|sticky_posts|stylesheet|template|active_plugins|sidebars_widgets|widget_.+|theme_mods_.+|nav_menu_options|date_format|time_format|timezone_string|gmt_offset|start_of_week|WPLANG|site_icon|site_logo|blog_public|page_comments|comments_per_page|default_comments_page|comment_order|thread_comments|thread_comments_depth|show_avatars|avatar_default|avatar_rating|close_comments_for_old_posts|close_comments_days_old|woocommerce_.+)$/';
	/** Posts that are part of others. */
	private const PARTS = array( 'wp_template', 'wp_template_part', 'wp_global_styles', 'wp_navigation', 'wp_block', 'nav_menu_item', 'custom_css', 'customize_changeset', 'wp_font_family', 'wp_font_face' );

	public static function start(): void {
		add_action( 'transition_post_status', array( self::class, 'status' ), 10, 3 );
		add_action( 'pre_post_update', array( self::class, 'before' ), 1 );
		add_action( 'before_delete_post', array( self::class, 'before' ), 1 );
		add_action( 'attachment_updated', array( self::class, 'post' ), 10, 1 );
		add_action( 'added_post_meta', array( self::class, 'meta' ), 10, 3 );
		add_action( 'updated_post_meta', array( self::class, 'meta' ), 10, 3 );
		add_action( 'deleted_post_meta', array( self::class, 'meta' ), 10, 3 );
		add_action( 'set_object_terms', array( self::class, 'terms' ), 10, 6 );
		add_action( 'wp_update_comment_count', array( self::class, 'comments' ) );
		add_action( 'edit_comment', array( self::class, 'comment' ) );
		add_action( 'transition_comment_status', array( self::class, 'comment_status' ), 10, 3 );
		foreach ( array( 'added_option', 'updated_option', 'deleted_option' ) as $hook ) {
			add_action( $hook, array( self::class, 'option' ) );
		}
		foreach ( array( 'switch_theme', 'customize_save_after', 'wp_update_nav_menu', 'wp_delete_nav_menu', 'edited_term', 'delete_term', 'upgrader_process_complete', 'profile_update', 'deleted_user', 'subako_purge_all' ) as $hook ) {
			add_action( $hook, array( self::class, 'all' ), 10, 0 );
		}
		add_action( 'subako_purge', array( self::class, 'url' ) );
		add_action( 'shutdown', array( self::class, 'send' ), PHP_INT_MAX );
	}

	public static function all(): void {
		self::$all = true;
	}

	/** A path below here, with all pages of it. */
	public static function url( $url, bool $below = false ): void {
		if ( ! is_string( $url ) || '' === $url ) {
			return;
		}
		$parts = wp_parse_url( $url );
		if ( ! is_array( $parts ) || ( isset( $parts['host'] ) && wp_parse_url( home_url(), PHP_URL_HOST ) !== $parts['host'] ) ) {
			return;
		}
		$target                  = ( $parts['path'] ?? '/' ) . ( isset( $parts['query'] ) ? '?' . $parts['query'] : '' );
		self::$paths[ $target ] = true;
		if ( $below && ! isset( $parts['query'] ) ) {
			self::$prefixes[ trailingslashit( $target ) . 'page/' ] = true;
			self::$prefixes[ trailingslashit( $target ) . 'feed' ]  = true;
		}
	}

	public static function status( $new, $old, $post ): void {
		if ( 'publish' === $new || 'publish' === $old || ( 'inherit' === $new && 'attachment' === $post->post_type ) ) {
			self::post( $post, $new !== $old );
		}
	}

	/** As it is before it changes: its address may be another afterwards. */
	public static function before( $id ): void {
		$post = get_post( $id );
		if ( $post && 'publish' === $post->post_status ) {
			self::post( $post );
		}
	}

	public static function post( $post, bool $neighbours = false ): void {
		$post = get_post( $post );
		if ( ! $post || 'revision' === $post->post_type || 'auto-draft' === $post->post_status ) {
			return;
		}
		if ( in_array( $post->post_type, self::PARTS, true ) ) {
			self::all();
			return;
		}
		if ( ! is_post_type_viewable( $post->post_type ) ) {
			return;
		}
		$link = get_permalink( $post );
		self::url( $link, true );
		self::$prefixes[ trailingslashit( (string) wp_parse_url( (string) $link, PHP_URL_PATH ) ) . 'comment-page-' ] = true;
		if ( 'page' === $post->post_type || 'attachment' === $post->post_type ) {
			self::home( false );
			return;
		}
		self::home( true );
		self::url( get_post_type_archive_link( $post->post_type ), true );
		self::url( get_author_posts_url( (int) $post->post_author ), true );
		self::dates( $post );
		foreach ( get_object_taxonomies( $post->post_type ) as $taxonomy ) {
			foreach ( (array) get_the_terms( $post, $taxonomy ) as $term ) {
				self::term( $term );
			}
		}
		if ( $neighbours ) {
			self::beside( $post );
		}
	}

	public static function meta( $ignored, $id, $key ): void {
		if ( is_string( $key ) && ! str_starts_with( $key, '_edit_' ) && 'publish' === get_post_status( $id ) ) {
			self::post( $id );
		}
	}

	public static function terms( $id, $ignored, $ids, $taxonomy, $append, $old ): void {
		if ( 'publish' !== get_post_status( $id ) || 'nav_menu' === $taxonomy ) {
			return;
		}
		foreach ( array_merge( array_diff( $ids, $old ), array_diff( $old, $ids ) ) as $term_taxonomy ) {
			$term = get_term_by( 'term_taxonomy_id', $term_taxonomy );
			self::term( $term );
		}
	}

	public static function comments( $id ): void {
		$post = get_post( $id );
		if ( $post && 'publish' === $post->post_status ) {
			$link = get_permalink( $post );
			self::url( $link, true );
			self::$prefixes[ trailingslashit( (string) wp_parse_url( (string) $link, PHP_URL_PATH ) ) . 'comment-page-' ] = true;
			// Lists show how many there are, and the latest of them.
			self::home( true );
		}
	}

	public static function comment( $id ): void {
		$comment = get_comment( $id );
		if ( $comment ) {
			self::comments( $comment->comment_post_ID );
		}
	}

	public static function comment_status( $new, $old, $comment ): void {
		if ( 'approved' === $new || 'approved' === $old ) {
			self::comments( $comment->comment_post_ID );
		}
	}

	public static function option( $name ): void {
		if ( is_string( $name ) && preg_match( self::OPTIONS, $name ) ) {
			self::all();
		}
	}

	/** The front page and what lists new things. */
	private static function home( bool $lists ): void {
		self::url( home_url( '/' ), $lists );
		self::$prefixes['/wp-sitemap'] = true;
		self::$prefixes['/sitemap']    = true;
		if ( $lists ) {
			self::url( (string) get_post_type_archive_link( 'post' ), true );
			foreach ( array( 'rss2', 'rss', 'atom', 'rdf', 'comments_rss2', 'comments_atom' ) as $feed ) {
				self::url( get_feed_link( $feed ) );
			}
		}
	}

	private static function dates( WP_Post $post ): void {
		$time = strtotime( $post->post_date );
		if ( false !== $time ) {
			list( $year, $month, $day ) = explode( ' ', gmdate( 'Y n j', $time ) );
			self::url( get_year_link( (int) $year ), true );
			self::url( get_month_link( (int) $year, (int) $month ), true );
			self::url( get_day_link( (int) $year, (int) $month, (int) $day ), true );
		}
	}

	/** Its archive, and those above it. */
	private static function term( $term ): void {
		for ( ; $term instanceof WP_Term; $term = $term->parent ? get_term( $term->parent, $term->taxonomy ) : null ) {
			$link = get_term_link( $term );
			if ( is_string( $link ) ) {
				self::url( $link, true );
			}
		}
	}

	/** The ones before and after it lead to it. */
	private static function beside( WP_Post $post ): void {
		global $wpdb;
		foreach ( array( array( '<', 'DESC' ), array( '>', 'ASC' ) ) as list( $than, $order ) ) {
			// phpcs:ignore WordPress.DB.PreparedSQL
			$id = $wpdb->get_var( $wpdb->prepare( "SELECT ID FROM $wpdb->posts WHERE post_type = %s AND post_status = 'publish' AND post_date $than %s ORDER BY post_date $order LIMIT 1", $post->post_type, $post->post_date ) );
			if ( $id ) {
				self::url( get_permalink( (int) $id ) );
			}
		}
	}

	/** Waits for the answer: who follows a redirect of this request sees the new page. */
	public static function send(): void {
		$paths = array_map( 'strval', array_keys( self::$paths ) );
		// A site that is being installed has no pages yet.
		if ( ( ! self::$all && ! $paths && ! self::$prefixes ) || wp_installing() ) {
			return;
		}
		$request     = array(
			'all'      => self::$all || count( $paths ) > 1000,
			'paths'    => self::$all ? array() : array_slice( $paths, 0, 1000 ),
			'prefixes' => self::$all ? array() : array_slice( array_map( 'strval', array_keys( self::$prefixes ) ), 0, 1000 ),
		);
		self::$paths = array();
		self::$prefixes = array();
		self::$all      = false;
		$answer         = '';
		// The platform may just be starting to listen.
		for ( $try = 0; $try < 40 && "done\n" !== $answer; ++$try ) {
			$socket = @stream_socket_client( 'unix:///etc/subako/site/cache.sock', $code, $message, 2 );
			if ( $socket ) {
				stream_set_timeout( $socket, 10 );
				fwrite( $socket, wp_json_encode( $request, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ) . "\n" );
				$answer = (string) fgets( $socket );
				fclose( $socket );
			}
			if ( "done\n" !== $answer ) {
				usleep( 50000 );
			}
		}
		if ( "done\n" !== $answer ) {
			error_log( 'page cache: what changed could not be told: ' . ( $message ?? $answer ) );
		}
	}
}

$GLOBALS['wp_filter']['muplugins_loaded'][0]['subako_page_cache'] = array(
	'function'      => array( 'Subako_Page_Cache', 'start' ),
	'accepted_args' => 0,
);
