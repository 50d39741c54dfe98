<?php
/** What is in the opcache: asked of a process that was restored from a template. */
$status = opcache_get_status();
$alien  = array_filter( array_keys( $status['scripts'] ), fn( $path ) => ! preg_match( '#^/(?:usr/share/subako|srv/wordpress/(?!wp-content|wp-config\.php))#', $path ) );
echo json_encode(
	array(
		'scripts' => $status['opcache_statistics']['num_cached_scripts'],
		'alien'   => array_values( $alien ),
	)
);
