<?php
/**
 * WordPress makes a front page for nobody, so that a worker that waits for its first visitor has all it needs at hand: the code, the memory,
 * the expressions compiled. The content is the image's own (a theme, no plugin), and the database answers what a site with one post would,
 * out of this file. Nothing is written anywhere. Prints whether the page was whole.
 */
define( 'ABSPATH', '/srv/wordpress/' );
define( 'WP_CONTENT_DIR', '/srv/skeleton' );
define( 'WP_USE_THEMES', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'DISABLE_WP_CRON', true );
define( 'WP_MEMORY_LIMIT', '128M' );
foreach ( array( 'DB_NAME', 'DB_USER', 'DB_PASSWORD', 'DB_HOST', 'DB_COLLATE' ) as $subako_name ) {
	define( $subako_name, '' );
}
define( 'DB_CHARSET', 'utf8mb4' );
// Salts of nobody: for this page alone.
foreach ( array( 'AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE' ) as $subako_name ) {
	define( "{$subako_name}_KEY", bin2hex( random_bytes( 32 ) ) );
	define( "{$subako_name}_SALT", bin2hex( random_bytes( 32 ) ) );
}
$table_prefix = 'wp_';
$_SERVER      = array_merge( $_SERVER, array( 'HTTP_HOST' => 'nobody.invalid', 'SERVER_NAME' => 'nobody.invalid', 'REQUEST_URI' => '/', 'SCRIPT_NAME' => '/index.php', 'PHP_SELF' => '/index.php' ) );

require ABSPATH . 'wp-includes/class-wpdb.php';

/** A database that is not there. */
class Subako_Nobodys_Database extends wpdb {
	const OPTIONS = array(
		'siteurl'         => 'http://nobody.invalid',
		'home'            => 'http://nobody.invalid',
		'blogname'        => 'Nobody',
		'blogdescription' => '',
		'blog_charset'    => 'UTF-8',
		'template'        => 'twentytwentyfive',
		'stylesheet'      => 'twentytwentyfive',
		'active_plugins'  => 'a:0:{}',
		'sticky_posts'    => 'a:0:{}',
		'show_on_front'   => 'posts',
		'posts_per_page'  => '10',
		'date_format'     => 'F j, Y',
		'time_format'     => 'g:i a',
		'gmt_offset'      => '0',
		'timezone_string' => '',
		'permalink_structure' => '',
		'use_smilies'     => '1',
		'blog_public'     => '1',
	);
	const POST = array(
		'ID'             => '1',
		'post_author'    => '1',
		'post_date'      => '2025-01-01 00:00:00',
		'post_date_gmt'  => '2025-01-01 00:00:00',
		'post_content'   => "<!-- wp:heading -->\n<h2 class=\"wp-block-heading\">Nobody’s post</h2>\n<!-- /wp:heading -->\n\n<!-- wp:paragraph -->\n<p>A first \"paragraph\" of it, with a <a href=\"/\">link</a> &amp; more... :-)</p>\n<!-- /wp:paragraph -->",
		'post_title'     => 'Nobody’s post',
		'post_excerpt'   => '',
		'post_status'    => 'publish',
		'comment_status' => 'open',
		'ping_status'    => 'open',
		'post_password'  => '',
		'post_name'      => 'nobody',
		'to_ping'        => '',
		'pinged'         => '',
		'post_modified'  => '2025-01-01 00:00:00',
		'post_modified_gmt' => '2025-01-01 00:00:00',
		'post_content_filtered' => '',
		'post_parent'    => '0',
		'guid'           => 'http://nobody.invalid/?p=1',
		'menu_order'     => '0',
		'post_type'      => 'post',
		'post_mime_type' => '',
		'comment_count'  => '0',
	);

	public function __construct() {
		$this->ready   = true;
		$this->charset = 'utf8mb4';
	}

	public function query( $query ) {
		$this->flush();
		$this->last_query  = $query;
		$this->last_result = $this->answer( apply_filters( 'query', $query ) );
		$this->num_rows    = count( $this->last_result );
		return $this->num_rows;
	}

	private function answer( string $query ): array {
		if ( str_contains( $query, "FROM {$this->options} WHERE autoload" ) ) {
			return array_map( fn( $name, $value ) => (object) array( 'option_name' => $name, 'option_value' => $value ), array_keys( self::OPTIONS ), self::OPTIONS );
		}
		if ( str_contains( $query, 'FOUND_ROWS()' ) ) {
			return array( (object) array( 'FOUND_ROWS()' => '1' ) );
		}
		if ( str_contains( $query, "SELECT {$this->posts}.* FROM {$this->posts} WHERE ID IN" ) ) {
			return array( (object) self::POST );
		}
		if ( preg_match( "/^\s*SELECT\s+(?:SQL_CALC_FOUND_ROWS\s+)?{$this->posts}\.(ID|\*)\s.*{$this->posts}\.post_type = 'post'/s", $query, $found ) ) {
			return array( (object) ( 'ID' === $found[1] ? array( 'ID' => '1' ) : self::POST ) );
		}
		return array();
	}

	public function _real_escape( $data ) {
		return $this->add_placeholder_escape( addslashes( (string) $data ) );
	}

	public function has_cap( $capability ) {
		return true;
	}

	public function db_version() {
		return '11.8.0';
	}

	public function db_server_info() {
		return '11.8.0-MariaDB';
	}

	public function db_connect( $allow_bail = true ) {
		return true;
	}

	public function check_connection( $allow_bail = true ) {
		return true;
	}

	public function set_charset( $dbh, $charset = null, $collate = null ) {
	}

	public function select( $db, $dbh = null ) {
	}

	public function close() {
		return true;
	}
}

$wpdb = new Subako_Nobodys_Database();
ob_start();
require ABSPATH . 'wp-settings.php';
wp();
require ABSPATH . WPINC . '/template-loader.php';
$subako_page = ob_get_clean();
echo json_encode(
	array(
		'whole' => str_contains( $subako_page, '</html>' ) && str_contains( $subako_page, 'first &#8220;paragraph&#8221;' ),
		'bytes' => strlen( $subako_page ),
	)
);
