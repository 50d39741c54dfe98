<?php
/**
 * Reads the files that a front page needs into the opcache, for a template: core alone, which is the image's.
 * Nothing of a site may be compiled here, wp-config.php and what lies in wp-content least of all.
 */
$count = 0;
foreach ( file( '/usr/share/subako/front-page.txt', FILE_IGNORE_NEW_LINES ) as $file ) {
	$path = "/srv/wordpress/$file";
	if ( is_file( $path ) && opcache_compile_file( $path ) ) {
		++$count;
	}
}
echo json_encode( array( 'scripts' => $count ) );
