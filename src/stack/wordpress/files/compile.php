<?php
/**
 * Fills the opcache file cache with WordPress core. Run once, when the image is built: core never changes afterwards.
 * Prints how many files were compiled; a file that does not compile is a reason to fail.
 */
$root  = '/srv/wordpress';
$files = new RegexIterator( new RecursiveIteratorIterator( new RecursiveDirectoryIterator( $root, FilesystemIterator::SKIP_DOTS ) ), '/\.php$/' );
$count = 0;
// These declare functions that the rest of core declares too; they are compiled when somebody asks for them.
$apart = array( "$root/wp-admin/includes/noop.php", "$root/wp-includes/js/tinymce/wp-tinymce.php" );
foreach ( $files as $file ) {
	$path = $file->getPathname();
	if ( in_array( $path, $apart, true ) ) {
		continue;
	}
	if ( ! @opcache_compile_file( $path ) ) {
		exit( "not compiled: $path\n" );
	}
	++$count;
}
echo "compiled $count\n";
