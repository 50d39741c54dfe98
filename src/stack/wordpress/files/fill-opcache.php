<?php
/**
 * Has PHP-FPM itself run compile.php, once, when the image is built: opcache files carry the name of the very program that wrote them,
 * and the command-line PHP has another. Usage: fill-opcache.php FPM-PROGRAM CACHE-DIRECTORY
 */
[ , $fpm, $cache ] = $argv;
$socket = '/run/subako/build.sock';
$config = '/run/subako/build.conf';
file_put_contents( $config, "[global]\nerror_log = /run/subako/build.log\n[build]\nuser = root\ngroup = root\nlisten = $socket\npm = static\npm.max_children = 1\nrequest_terminate_timeout = 0\n" );

$options = array( 'opcache.file_update_protection=0', 'opcache.save_comments=0', "opcache.file_cache=$cache", 'opcache.memory_consumption=512', 'memory_limit=1G', 'max_execution_time=0' );
$command = array( $fpm, '--allow-to-run-as-root', '--nodaemonize', '-c', '/etc/subako/php.ini', '--fpm-config', $config );
foreach ( $options as $option ) {
	array_push( $command, '-d', $option );
}
$process = proc_open( $command, array( 2 => STDERR ), $pipes );
for ( $try = 0; $try < 500 && ! ( $connection = @stream_socket_client( "unix://$socket" ) ); ++$try ) {
	usleep( 10000 );
}
$answer = $connection ? ask( $connection, '/usr/share/subako/compile.php' ) : 'php-fpm did not start';
proc_terminate( $process );
proc_close( $process );
array_map( 'unlink', array_filter( array( $socket, $config, '/run/subako/build.log' ), 'file_exists' ) );
echo $answer, "\n";
exit( preg_match( '/^compiled \d+$/m', $answer ) ? 0 : 1 );

/** One FastCGI request for a script; gives all that it printed. */
function ask( $connection, string $script ): string {
	$params = array(
		'SCRIPT_FILENAME' => $script,
		'REQUEST_METHOD'  => 'GET',
	);
	$encoded = '';
	foreach ( $params as $name => $value ) {
		$encoded .= chr( strlen( $name ) ) . chr( strlen( $value ) ) . $name . $value;
	}
	$record = fn( int $type, string $body ): string => pack( 'CCnnCC', 1, $type, 1, strlen( $body ), 0, 0 ) . $body;
	fwrite( $connection, $record( 1, pack( 'nCx5', 1, 0 ) ) . $record( 4, $encoded ) . $record( 4, '' ) . $record( 5, '' ) );
	$output = '';
	while ( ( $head = stream_get_contents( $connection, 8 ) ) !== '' && $head !== false ) {
		$fields = unpack( 'Cversion/Ctype/nid/nlength/Cpadding', $head );
		$body   = $fields['length'] + $fields['padding'] > 0 ? stream_get_contents( $connection, $fields['length'] + $fields['padding'] ) : '';
		if ( 3 === $fields['type'] ) {
			break;
		}
		$output .= substr( $body, 0, $fields['length'] );
	}
	return $output;
}
