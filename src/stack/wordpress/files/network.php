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
		$name = strtolower( (string) parse_url( $url, PHP_URL_HOST ) );
		if ( in_array( "169.254.1.1 $name", (array) @file( '/etc/hosts', FILE_IGNORE_NEW_LINES ), true ) ) {
			$port = parse_url( $url, PHP_URL_PORT ) ?: ( 'https' === parse_url( $url, PHP_URL_SCHEME ) ? 443 : 80 );
			curl_setopt( $handle, CURLOPT_RESOLVE, array( "$name:$port:169.254.1.1" ) );
		}
	},
	'accepted_args' => 3,
);
