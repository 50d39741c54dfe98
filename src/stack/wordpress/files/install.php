<?php
/**
 * Installs WordPress into an empty database. Reads {"title","user","password","email","authority"} as JSON from standard input,
 * so that no secret appears in a process list. Prints "installed" when all is done.
 */
error_reporting( E_ALL & ~E_DEPRECATED );
$want = json_decode( stream_get_contents( STDIN ), true, 8, JSON_THROW_ON_ERROR );

$_SERVER['HTTP_HOST']       = $want['authority'];
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['REQUEST_URI']     = '/';
define( 'WP_INSTALLING', true );

// The owner reads the password from the command line; mail cannot leave the container.
function wp_new_blog_notification() {}

require '/srv/wordpress/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

if ( is_blog_installed() ) {
	fwrite( STDERR, "the database already holds a WordPress\n" );
	exit( 3 );
}
// The password is random, of 144 bits: nobody finds it by trying. WordPress hashes it at its usual cost when its owner logs in first.
add_filter( 'wp_hash_password_options', fn() => array( 'cost' => 8 ) );
wp_install( $want['title'], $want['user'], $want['email'], true, '', $want['password'] );
// Bylines, feeds and archives of authors are for everybody: they need not say which name to log in with.
wp_update_user( array( 'ID' => 1, 'display_name' => 'Editor', 'nickname' => 'Editor', 'user_nicename' => 'editor' ) );

global $wp_rewrite;
$wp_rewrite->set_permalink_structure( '/%year%/%monthnum%/%postname%/' );
$wp_rewrite->flush_rules( false );
echo "installed\n";
