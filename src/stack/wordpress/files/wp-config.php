<?php
/**
 * The same for every site of this image: what differs lies in /etc/subako/site/config.php,
 * which defines SUBAKO_ROLE, DB_NAME, DB_USER, DB_PASSWORD, the keys and salts, SUBAKO_DOMAIN and $table_prefix.
 */
require '/etc/subako/site/config.php';

require '/usr/share/subako/role.php';
require '/usr/share/subako/transients.php';

if ( isset( $_SERVER['SUBAKO_PAGE'] ) ) {
	// A page that the edge keeps is sent on when it is whole: until then the edge can see that something it shows was changed.
	ob_start();
} elseif ( 'admin' === SUBAKO_ROLE ) {
	require '/usr/share/subako/page-cache.php';
}

define( 'DB_HOST', 'localhost:/run/mysqld/mysqld.sock' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );

// The edge passes only the site's canonical name, with the port the visitor used. Anything else falls back to the name alone.
$subako_host   = $_SERVER['HTTP_HOST'] ?? SUBAKO_DOMAIN;
$subako_host   = preg_match( '/^' . preg_quote( SUBAKO_DOMAIN, '/' ) . '(:\d{1,5})?$/D', $subako_host ) ? $subako_host : SUBAKO_DOMAIN;
$subako_scheme = ( $_SERVER['HTTPS'] ?? '' ) === 'on' ? 'https' : 'http';
define( 'WP_HOME', $subako_scheme . '://' . $subako_host );
define( 'WP_SITEURL', WP_HOME );
unset( $subako_host, $subako_scheme );

define( 'FS_METHOD', 'direct' );
define( 'DISALLOW_FILE_EDIT', true );
// Core is part of the image and read-only: an update is a new image.
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_AUTO_UPDATE_CORE', false );
define( 'DISABLE_WP_CRON', true );
define( 'WP_MEMORY_LIMIT', '128M' );

// A link to log in once, made by `subako login-link`.
if ( is_string( $_GET['subako_login'] ?? null ) ) {
	require '/usr/share/subako/login.php';
}
// WordPress takes over what is hooked before it loads. Both cost nothing on a page that asks nobody.
require '/usr/share/subako/network.php';

if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
