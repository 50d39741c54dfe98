<?php
/**
 * What WordPress may ask over the network. A container without one is told so at once, instead of after a time-out;
 * requests to the site's own names go to the edge of this machine, also where curl has an opinion of its own on a name (*.localhost).
 */
$GLOBALS['wp_filter']['pre_http_request'][ PHP_INT_MAX ]['subako'] = array(
	'function'      => function ( $answer ) {
		$has_network = isset( net_get_interfaces()['eth0'] );
		return false !== $answer || $has_network ? $answer : new WP_Error( 'http_request_failed', 'This container has no network.' );
	},
	'accepted_args' => 1,
);

$GLOBALS['wp_filter']['http_api_curl'][10]['subako'] = array(
	'function'      => function ( $handle, $options, $url ) {
		preg_match_all( '/^169\.254\.1\.1 (\S+)$/m', (string) @file_get_contents( '/etc/hosts' ), $own );
		if ( in_array( strtolower( (string) parse_url( $url, PHP_URL_HOST ) ), $own[1], true ) ) {
			$port = parse_url( $url, PHP_URL_PORT ) ?: ( 'https' === parse_url( $url, PHP_URL_SCHEME ) ? 443 : 80 );
			// All of them: one may send on to another, and that address is not told here.
			curl_setopt( $handle, CURLOPT_RESOLVE, array_map( fn( $name ) => "$name:$port:169.254.1.1", $own[1] ) );
		}
	},
	'accepted_args' => 3,
);
