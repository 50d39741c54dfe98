<?php
/**
 * Run once, when the image is built: puts an empty library in the place of each one that PHP's extensions load and that no site can use,
 * and with it goes what it would load in turn. Usage: slim.php SONAME=RESULT …
 * Each function of an empty library does nothing and returns RESULT, which must be what its callers take for a failure.
 */
const SCRATCH = '/tmp/slim';
const RETURNS = array( 'x86_64' => "mov $%d, %%rax\n\tret", 'aarch64' => "ldr x0, =%d\n\tret" );

mkdir( SCRATCH );
foreach ( array_slice( $argv, 1 ) as $argument ) {
	[ $soname, $result ] = explode( '=', $argument );
	$path = realpath( glob( "/usr/lib/*-linux-gnu/$soname" )[0] ?? '' );
	if ( ! $path ) {
		fail( "there is no $soname" );
	}
	empty_out( $path, $soname, (int) $result );
	echo "$soname is empty\n";
}
array_map( 'unlink', glob( SCRATCH . '/*' ) );
rmdir( SCRATCH );

function empty_out( string $path, string $soname, int $result ): void {
	$return   = sprintf( RETURNS[ php_uname( 'm' ) ] ?? fail( 'this processor is not known' ), $result );
	$source   = '';
	$versions = array();
	foreach ( symbols( $path ) as $name => [ $is_function, $version ] ) {
		$source .= $is_function
			? "\t.text\n\t.globl $name\n\t.type $name, %function\n$name:\n\t$return\n"
			: "\t.data\n\t.balign 8\n\t.globl $name\n\t.type $name, %object\n\t.size $name, 64\n$name:\n\t.zero 64\n";
		$versions[ $version ][] = $name;
	}
	file_put_contents( SCRATCH . '/empty.s', $source );
	run( array( 'as', '-o', SCRATCH . '/empty.o', SCRATCH . '/empty.s' ) );
	// One piece in place of four: each is a mapping of every process.
	$link = array( 'ld', '-shared', '-s', '-soname', $soname, '-z', 'relro', '-z', 'now', '-z', 'noexecstack', '-z', 'noseparate-code' );
	unset( $versions[''] );
	if ( $versions ) {
		$nodes = array_map( fn( $version, $names ) => "$version { global: " . implode( '; ', $names ) . "; };\n", array_keys( $versions ), $versions );
		file_put_contents( SCRATCH . '/versions', implode( $nodes ) );
		$link[] = '--version-script=' . SCRATCH . '/versions';
	}
	run( array( ...$link, '-o', SCRATCH . '/empty.so', SCRATCH . '/empty.o' ) );
	copy( SCRATCH . '/empty.so', $path ) || fail( "$path cannot be written" );
}

/** What it offers: whether that is a function, and of which version; of several, the last. */
function symbols( string $path ): array {
	$found = array();
	foreach ( explode( "\n", run( array( 'nm', '-D', '--defined-only', '--with-symbol-versions', $path ) ) ) as $line ) {
		if ( preg_match( '/^[0-9a-f]+ ([TWiDBRVGS]) ([^@\s]+)(?:@@?(\S+))?$/', $line, $match ) ) {
			$found[ $match[2] ] = array( in_array( $match[1], array( 'T', 'W', 'i' ), true ), $match[3] ?? '' );
		}
	}
	return $found ?: fail( "$path offers nothing" );
}

function run( array $argv ): string {
	$process = proc_open( $argv, array( 1 => array( 'pipe', 'w' ) ), $pipes );
	$said    = stream_get_contents( $pipes[1] );
	return 0 === proc_close( $process ) ? $said : fail( implode( ' ', $argv ) . ' failed' );
}

function fail( string $why ): never {
	fwrite( STDERR, "slim.php: $why\n" );
	exit( 1 );
}
