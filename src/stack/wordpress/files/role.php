<?php
/** What differs between a site's two containers, SUBAKO_ROLE `public` and `admin`. Loaded before WordPress, whose hooks are filled in ahead. */

/**
 * Of the public role: its database user may only read, so nothing that writes is even sent. A plugin that counts views goes on as
 * if the row had not been there; transients.php keeps its transients.
 */
function subako_only_reads( $query ) {
	return preg_match( '/^\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|TRUNCATE|RENAME|LOCK|UNLOCK|OPTIMIZE|START|BEGIN|COMMIT|ROLLBACK)\b/i', $query ) ? '' : $query;
}

/** What WordPress works out about a theme's files is kept for a week, not for half an hour: the public role cannot keep it again. A change of the theme renews it. Which themes there are is looked at each time: else one that was just installed would not be found for a week. */
function subako_keep_themes( $keep, $of ) {
	return 'search_theme_directories' === $of ? $keep : 604800;
}

if ( 'public' === SUBAKO_ROLE ) {
	$GLOBALS['wp_filter']['query'][0]['subako_only_reads'] = array( 'function' => 'subako_only_reads', 'accepted_args' => 1 );
}
$GLOBALS['wp_filter']['wp_cache_themes_persistently'][10]['subako_keep_themes'] = array( 'function' => 'subako_keep_themes', 'accepted_args' => 2 );

/** Failed logins of one account, from wherever they come, until it is left alone for a while. The edge counts those of each address. */
const SUBAKO_LOGIN_FAILURES = 20;
const SUBAKO_LOGIN_PAUSE    = 900;

/** By user, found as WordPress finds one: the database takes many spellings of a name for the same, and an e-mail address will do. */
function subako_login_key( $name ) {
	$user = get_user_by( 'login', $name ) ?: get_user_by( 'email', $name );
	return 'subako_logins_' . ( $user ? $user->ID : md5( strtolower( trim( (string) $name ) ) ) );
}

function subako_count_failed_login( $name, $error ) {
	$key = subako_login_key( $name );
	if ( 'subako_too_many_logins' === $error->get_error_code() ) {
		return;
	}
	set_transient( $key, 1 + (int) get_transient( $key ), SUBAKO_LOGIN_PAUSE );
}

/** Before any password is hashed: a flood costs little. */
function subako_refuse_tried_account( $user, $name ) {
	if ( '' === (string) $name || (int) get_transient( subako_login_key( $name ) ) < SUBAKO_LOGIN_FAILURES ) {
		return $user;
	}
	remove_all_filters( 'authenticate' );
	return new WP_Error( 'subako_too_many_logins', 'Too many failed logins for this account. Try again in a quarter of an hour.' );
}

function subako_forget_failed_logins( $name ) {
	delete_transient( subako_login_key( $name ) );
}

/** Errors that say whether there is a user of this name. */
const SUBAKO_TELLING = array( 'invalid_username', 'invalid_email', 'incorrect_password', 'invalidcombo' );

/** The same whether the name or the password was wrong: the form also fills in a name again by which error it was. And the same for whoever asked for a new password. */
function subako_same_login_error( $errors ) {
	if ( array_intersect( $errors->get_error_codes(), SUBAKO_TELLING ) ) {
		return subako_wrong_login();
	}
	return in_array( 'confirm', $errors->get_error_codes(), true )
		? new WP_Error( 'confirm', 'If there is such an account, and this site can send mail, a link for a new password is on its way.', 'message' )
		: $errors;
}

/** An application password's. */
function subako_same_rest_error( $error ) {
	return is_wp_error( $error ) && array_intersect( $error->get_error_codes(), SUBAKO_TELLING ) ? subako_wrong_login( array( 'status' => 401 ) ) : $error;
}

function subako_wrong_login( $data = '' ) {
	return new WP_Error( 'incorrect_password', 'The name or the password is wrong.', $data );
}

/** Whoever asks for a new password is sent on as for a user, also where there is none, or where no mail could be sent to one. */
function subako_same_lost_password( $errors ) {
	$telling = array_merge( SUBAKO_TELLING, array( 'retrieve_password_email_failure' ) );
	if ( ! array_intersect( $errors->get_error_codes(), $telling ) ) {
		return;
	}
	wp_safe_redirect( ! empty( $_REQUEST['redirect_to'] ) ? $_REQUEST['redirect_to'] : 'wp-login.php?checkemail=confirm' );
	exit;
}

/** Names of users are for users: not in the REST API, the sitemap, embeds, or behind a user's number (author=1), asked for in whatever way. */
function subako_hide_users_in_rest( $endpoints ) {
	if ( ! is_user_logged_in() ) {
		foreach ( array_keys( $endpoints ) as $route ) {
			if ( str_starts_with( $route, '/wp/v2/users' ) ) {
				unset( $endpoints[ $route ] );
			}
		}
	}
	return $endpoints;
}

function subako_hide_users_in_sitemap( $provider, $name ) {
	return 'users' === $name ? false : $provider;
}

function subako_hide_author_in_embed( $data ) {
	unset( $data['author_name'], $data['author_url'] );
	return $data;
}

function subako_hide_author_numbers( $vars ) {
	return isset( $vars['author'] ) && ! is_admin() ? array( 'error' => '404' ) : $vars;
}

foreach (
	array(
		array( 'wp_login_failed', 10, 'subako_count_failed_login', 2 ),
		array( 'authenticate', 1, 'subako_refuse_tried_account', 2 ),
		array( 'wp_login', 10, 'subako_forget_failed_logins', 1 ),
		array( 'wp_login_errors', 10, 'subako_same_login_error', 1 ),
		array( 'rest_authentication_errors', 200, 'subako_same_rest_error', 1 ),
		array( 'lost_password', 10, 'subako_same_lost_password', 1 ),
		array( 'rest_endpoints', 10, 'subako_hide_users_in_rest', 1 ),
		array( 'wp_sitemaps_add_provider', 10, 'subako_hide_users_in_sitemap', 2 ),
		array( 'oembed_response_data', 10, 'subako_hide_author_in_embed', 1 ),
		array( 'request', 10, 'subako_hide_author_numbers', 1 ),
	) as list( $subako_hook, $subako_when, $subako_do, $subako_takes )
) {
	$GLOBALS['wp_filter'][ $subako_hook ][ $subako_when ][ $subako_do ] = array( 'function' => $subako_do, 'accepted_args' => $subako_takes );
}
unset( $subako_hook, $subako_when, $subako_do, $subako_takes );
