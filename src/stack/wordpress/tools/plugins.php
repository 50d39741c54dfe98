<?php
/** Plugins: list, activate, deactivate, install from a zip file, remove. */
require_once ABSPATH . 'wp-admin/includes/class-wp-upgrader.php';
$action = $subako_input['action'];
if ( 'ls' === $action ) {
	subako_done( array_map( 'subako_plugin', array_keys( get_plugins() ) ) );
}
if ( 'install' === $action ) {
	$upgrader = new Plugin_Upgrader( new Automatic_Upgrader_Skin() );
	$done     = $upgrader->install( subako_take_file( '.zip' ), array( 'overwrite_package' => $subako_input['replace'] ) );
	$error    = is_wp_error( $done ) ? $done : ( $done ? null : ( $upgrader->skin->result ?: $upgrader->result ) );
	if ( is_wp_error( $error ) && 'folder_exists' === $error->get_error_code() ) {
		subako_fail( 'already_exists', 'this plugin is installed already', 'add --replace to put this one in its place' );
	}
	if ( ! $done || is_wp_error( $error ) ) {
		subako_fail( 'command_failed', is_wp_error( $error ) ? $error->get_error_message() . ' ' . $error->get_error_data() : 'the zip file holds no plugin that could be installed' );
	}
	wp_clean_plugins_cache( false );
	subako_done( subako_plugin( $upgrader->plugin_info() ) );
}

$file = subako_plugin_file( $subako_input['plugin'] );
if ( 'activate' === $action ) {
	$error = activate_plugin( $file );
	if ( is_wp_error( $error ) && 'unexpected_output' !== $error->get_error_code() ) {
		subako_fail( 'command_failed', $error->get_error_message() );
	}
} elseif ( 'deactivate' === $action ) {
	deactivate_plugins( $file );
} elseif ( 'rm' === $action ) {
	if ( is_plugin_active( $file ) ) {
		subako_fail( 'conflict', "{$subako_input['plugin']} is active", 'deactivate it first' );
	}
	$was  = subako_plugin( $file );
	$done = delete_plugins( array( $file ) );
	if ( true !== $done ) {
		subako_fail( 'command_failed', is_wp_error( $done ) ? $done->get_error_message() : 'the plugin could not be removed' );
	}
	subako_done( $was );
}
subako_done( subako_plugin( $file ) );

function subako_plugin( $file ) {
	$all  = get_plugins();
	$data = $all[ $file ] ?? array();
	return array(
		'plugin'  => subako_slug( $file ),
		'file'    => $file,
		'name'    => subako_strip( $data['Name'] ?? $file ),
		'version' => (string) ( $data['Version'] ?? '' ),
		'active'  => is_plugin_active( $file ),
	);
}

function subako_slug( $file ) {
	return '.' === dirname( $file ) ? basename( $file, '.php' ) : dirname( $file );
}

function subako_plugin_file( $name ) {
	foreach ( array_keys( get_plugins() ) as $file ) {
		if ( $file === $name || subako_slug( $file ) === $name ) {
			return $file;
		}
	}
	// One whose files are gone can still be deactivated.
	foreach ( (array) get_option( 'active_plugins', array() ) as $file ) {
		if ( $file === $name || subako_slug( $file ) === $name ) {
			return $file;
		}
	}
	subako_fail( 'not_found', "there is no plugin “{$name}”", 'subako plugin ls shows them' );
}
