<?php
/**
 * What every tool begins with. The platform sends, on standard input: one line of JSON (sizes, a mark, how much of WordPress to load),
 * this code and the tool's, the tool's input as JSON, and perhaps a file after it. Nothing of it is in an argument list.
 *
 * Answers are lines of standard output: MARK, a word (progress, done, failed), JSON. What plugins print is dropped.
 */
error_reporting( E_ALL & ~E_DEPRECATED );
ini_set( 'display_errors', 'stderr' );
$subako_input = json_decode( stream_get_contents( STDIN, $subako['input'] ), true, 16, JSON_THROW_ON_ERROR );

function subako_say( $word, $value ) {
	global $subako;
	$json = json_encode( $value, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR );
	fwrite( STDOUT, "\n{$subako['mark']} $word $json\n" );
}

function subako_done( $value ) {
	global $subako;
	subako_say( 'done', $value );
	$subako['said'] = true;
	exit( 0 );
}

function subako_fail( $code, $message, $hint = null ) {
	global $subako;
	subako_say( 'failed', array( 'code' => $code, 'message' => subako_strip( $message ), 'hint' => $hint ) );
	$subako['said'] = true;
	exit( 1 );
}

/** WordPress writes its messages for a browser. */
function subako_strip( $html ) {
	return trim( html_entity_decode( preg_replace( '/<[^>]*>/', '', (string) $html ), ENT_QUOTES | ENT_HTML5, 'UTF-8' ) );
}

/** What is left of standard input, as a file that ends with the tool. */
function subako_take_file( $suffix ) {
	$path = tempnam( '/tmp', 'subako-' );
	rename( $path, $path . $suffix );
	register_shutdown_function( fn() => @unlink( $path . $suffix ) );
	$file = fopen( $path . $suffix, 'wb' );
	if ( false === stream_copy_to_stream( STDIN, $file ) || ! fclose( $file ) ) {
		subako_fail( 'no_space', 'the file could not be kept in the container' );
	}
	return $path . $suffix;
}

register_shutdown_function(
	function () {
		global $subako;
		if ( isset( $subako['said'] ) ) {
			return;
		}
		$error = error_get_last();
		$fatal = $error && ( $error['type'] & ( E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR ) );
		$place = $fatal ? str_replace( '/srv/wordpress/', '', $error['file'] ) . ":{$error['line']}" : '';
		subako_say(
			'failed',
			array(
				'code'    => 'command_failed',
				'message' => $fatal ? 'PHP stopped: ' . strtok( $error['message'], "\n" ) . " ($place)" : 'WordPress ended before the work was done',
				'hint'    => null,
			)
		);
	}
);
ob_start( fn() => '' );

if ( 'none' !== $subako['load'] ) {
	$_SERVER['HTTP_HOST']       = $subako['authority'];
	$_SERVER['SERVER_NAME']     = $subako['domain'];
	$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
	$_SERVER['REQUEST_METHOD']  = 'GET';
	$_SERVER['REQUEST_URI']     = '/';
	$_SERVER['REMOTE_ADDR']     = '127.0.0.1';
	$_SERVER['SCRIPT_NAME']     = '/index.php';
	if ( $subako['https'] ) {
		$_SERVER['HTTPS'] = 'on';
	}
	if ( 'bare' === $subako['load'] ) {
		// No plugin, no theme: a broken one must not keep its owner from mending the site.
		$subako_nowhere = array( 0 => array( array( 'function' => fn() => '/nonexistent', 'accepted_args' => 0 ) ) );
		$subako_none    = array( 0 => array( array( 'function' => fn() => array(), 'accepted_args' => 0 ) ) );
		$wp_filter      = array(
			'pre_option_active_plugins' => $subako_none,
			'template_directory'        => $subako_nowhere,
			'stylesheet_directory'      => $subako_nowhere,
		);
		define( 'WPMU_PLUGIN_DIR', '/nonexistent' );
	}
	require '/srv/wordpress/wp-load.php';
	if ( 'bare' === $subako['load'] ) {
		array_map( 'remove_all_filters', array( 'pre_option_active_plugins', 'template_directory', 'stylesheet_directory' ) );
	}
	require_once ABSPATH . 'wp-admin/includes/admin.php';
	// Mail and news of new passwords are the owner's own affair.
	add_filter( 'send_password_change_email', '__return_false' );
	add_filter( 'send_email_change_email', '__return_false' );
	remove_action( 'upgrader_process_complete', array( 'Language_Pack_Upgrader', 'async_upgrade' ), 20 );
}
