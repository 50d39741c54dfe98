<?php
/** Keeps the hash of a link to log in once. The secret itself never comes here before somebody uses it. */
global $wpdb;
$user = null === $subako_input['user'] ? ( get_users( array( 'role' => 'administrator', 'orderby' => 'ID', 'number' => 1 ) )[0] ?? false ) : get_user_by( 'login', $subako_input['user'] );
if ( ! $user ) {
	subako_fail( 'not_found', null === $subako_input['user'] ? 'the site has no administrator' : "there is no user “{$subako_input['user']}”", 'subako user ls shows them' );
}
$rows = $wpdb->get_results( "SELECT option_name, option_value FROM $wpdb->options WHERE option_name LIKE '\\_subako\\_login\\_%'" );
foreach ( $rows as $row ) {
	if ( ( json_decode( $row->option_value, true )['until'] ?? 0 ) < time() ) {
		$wpdb->delete( $wpdb->options, array( 'option_name' => $row->option_name ) );
	}
}
$kept = $wpdb->insert(
	$wpdb->options,
	array(
		'option_name'  => "_subako_login_{$subako_input['selector']}",
		'option_value' => wp_json_encode( array( 'hash' => $subako_input['hash'], 'user' => $user->ID, 'until' => time() + $subako_input['seconds'] ) ),
		'autoload'     => 'off',
	)
);
if ( ! $kept ) {
	subako_fail( 'database_failed', 'the link could not be kept in the database' );
}
subako_done( array( 'user' => $user->user_login ) );
