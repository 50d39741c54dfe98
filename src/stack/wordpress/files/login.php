<?php
/**
 * The other end of `subako login-link`: shows a button at wp-login.php?subako_login=TOKEN, and logs in whoever presses it. Once.
 *
 * The token is SELECTOR.SECRET. The database holds a row for it with the secret's hash, the user and the time it ends; who deletes the row
 * has used the link, so of several that try at once one succeeds. Looking at the link alone (a preview, a scanner) uses nothing up.
 */
$GLOBALS['wp_filter']['init'][ PHP_INT_MIN ][] = array( 'function' => 'subako_login_link', 'accepted_args' => 0 );

function subako_login_link() {
	if ( '/wp-login.php' !== ( $_SERVER['SCRIPT_NAME'] ?? '' ) ) {
		return;
	}
	nocache_headers();
	header( 'Referrer-Policy: no-referrer' );
	header( 'X-Robots-Tag: noindex' );
	header( 'X-Frame-Options: DENY' );
	if ( 'POST' === $_SERVER['REQUEST_METHOD'] ) {
		subako_use_login_link( $_GET['subako_login'] );
	}
	subako_login_page( 200, '<form method="post"><button autofocus>Log in to ' . esc_html( wp_parse_url( home_url(), PHP_URL_HOST ) ) . '</button></form>' );
}

function subako_use_login_link( $token ) {
	global $wpdb;
	if ( ! preg_match( '/^([a-z0-9]{16})\.([A-Za-z0-9_-]{43})$/D', $token, $parts ) ) {
		subako_login_page( 403, 'This link is not whole.' );
	}
	$name = "_subako_login_$parts[1]";
	$kept = $wpdb->get_var( $wpdb->prepare( "SELECT option_value FROM $wpdb->options WHERE option_name = %s", $name ) );
	$link = json_decode( (string) $kept, true );
	if ( ! is_array( $link ) || ! hash_equals( (string) $link['hash'], hash( 'sha256', $parts[2] ) ) || $link['until'] < time() ) {
		subako_login_page( 403, 'This link was used, or is too old.' );
	}
	$user = get_user_by( 'id', (int) $link['user'] );
	if ( 1 !== $wpdb->delete( $wpdb->options, array( 'option_name' => $name ) ) || ! $user ) {
		subako_login_page( 403, 'This link was used, or is too old.' );
	}
	wp_set_current_user( $user->ID );
	wp_set_auth_cookie( $user->ID );
	do_action( 'wp_login', $user->user_login, $user );
	wp_safe_redirect( admin_url() );
	exit;
}

function subako_login_page( $status, $html ) {
	status_header( $status );
	header( 'Content-Type: text/html; charset=utf-8' );
	header( "Content-Security-Policy: default-src 'none'; form-action 'self'; frame-ancestors 'none'" );
	echo "<!doctype html><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Log in</title><p>$html";
	exit;
}
