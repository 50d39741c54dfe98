<?php
/** Themes: list, activate, install from a zip file. */
require_once ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';
switch ( $subako_input['action'] ) {
	case 'ls':
		subako_done( array_map( 'subako_theme', array_values( wp_get_themes( array( 'errors' => null ) ) ) ) );

	case 'activate':
		$theme = wp_get_theme( $subako_input['theme'] );
		if ( ! $theme->exists() || 0 !== validate_file( $subako_input['theme'] ) ) {
			subako_fail( 'not_found', "there is no theme “{$subako_input['theme']}”", 'subako theme ls shows them' );
		}
		$fit = validate_theme_requirements( $theme->get_stylesheet() );
		if ( $theme->errors() || is_wp_error( $fit ) ) {
			subako_fail( 'command_failed', ( $theme->errors() ?: $fit )->get_error_message() );
		}
		switch_theme( $theme->get_stylesheet() );
		subako_done( subako_theme( $theme ) );

	case 'install':
		$upgrader = new Theme_Upgrader( new Automatic_Upgrader_Skin() );
		$done     = $upgrader->install( subako_take_file( '.zip' ), array( 'overwrite_package' => $subako_input['replace'] ) );
		$error    = is_wp_error( $done ) ? $done : ( $done ? null : ( $upgrader->skin->result ?: $upgrader->result ) );
		if ( is_wp_error( $error ) && 'folder_exists' === $error->get_error_code() ) {
			subako_fail( 'already_exists', 'this theme is installed already', 'add --replace to put this one in its place' );
		}
		if ( ! $done || is_wp_error( $error ) ) {
			subako_fail( 'command_failed', is_wp_error( $error ) ? $error->get_error_message() . ' ' . $error->get_error_data() : 'the zip file holds no theme that could be installed' );
		}
		wp_clean_themes_cache();
		subako_done( subako_theme( $upgrader->theme_info() ) );
}

function subako_theme( $theme ) {
	return array(
		'theme'   => $theme->get_stylesheet(),
		'name'    => subako_strip( $theme->get( 'Name' ) ),
		'version' => (string) $theme->get( 'Version' ),
		'parent'  => $theme->get_template() === $theme->get_stylesheet() ? null : $theme->get_template(),
		'active'  => get_stylesheet() === $theme->get_stylesheet(),
		'error'   => $theme->errors() ? subako_strip( $theme->errors()->get_error_message() ) : null,
	);
}
