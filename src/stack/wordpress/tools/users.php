<?php
/** Users: list, create, give a new password. */
switch ( $subako_input['action'] ) {
	case 'ls':
		$query = new WP_User_Query( array( 'orderby' => 'ID', 'number' => $subako_input['limit'], 'count_total' => true ) );
		subako_done( array( 'total' => (int) $query->get_total(), 'users' => array_map( 'subako_user', $query->get_results() ) ) );

	case 'create':
		$login = $subako_input['user'];
		if ( ! validate_username( $login ) ) {
			subako_fail( 'bad_setting', "“{$login}” is not a user name", 'use letters, digits, spaces and _ . - @' );
		}
		if ( ! is_email( $subako_input['email'] ) ) {
			subako_fail( 'bad_setting', "“{$subako_input['email']}” is not an e-mail address", 'write it like owner@example.org' );
		}
		if ( null === get_role( $subako_input['role'] ) ) {
			subako_fail( 'bad_setting', "there is no role “{$subako_input['role']}”", 'the roles are ' . implode( ', ', array_keys( wp_roles()->roles ) ) );
		}
		if ( username_exists( $login ) || email_exists( $subako_input['email'] ) ) {
			subako_fail( 'already_exists', 'there is a user of this name, or with this e-mail address', 'subako user ls shows them' );
		}
		$shown = wp_roles()->role_names[ $subako_input['role'] ];
		$id    = wp_insert_user(
			array(
				'user_login'    => $login,
				'user_email'    => $subako_input['email'],
				'user_pass'     => $subako_input['password'],
				'role'          => $subako_input['role'],
				// What visitors see does not say which name to log in with.
				'display_name'  => $shown,
				'nickname'      => $shown,
				'user_nicename' => $subako_input['role'],
			)
		);
		if ( is_wp_error( $id ) ) {
			subako_fail( 'command_failed', $id->get_error_message() );
		}
		subako_done( subako_user( get_user_by( 'id', $id ) ) );

	case 'reset-password':
		$user = get_user_by( 'login', $subako_input['user'] ) ?: get_user_by( 'email', $subako_input['user'] );
		if ( ! $user ) {
			subako_fail( 'not_found', "there is no user “{$subako_input['user']}”", 'subako user ls shows them' );
		}
		wp_set_password( $subako_input['password'], $user->ID );
		WP_Session_Tokens::get_instance( $user->ID )->destroy_all();
		subako_done( subako_user( $user ) );
}

function subako_user( $user ) {
	return array(
		'id'         => (int) $user->ID,
		'user'       => $user->user_login,
		'email'      => $user->user_email,
		'name'       => $user->display_name,
		'roles'      => array_values( $user->roles ),
		'registered' => $user->user_registered,
	);
}
