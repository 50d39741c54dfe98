<?php
/**
 * What PHP's mail() runs: hands the message on its standard input to the platform, which passes it on or says why not.
 * Ends as sendmail does: 0 when the message is on its way, 69 when it is not; then wp_mail() returns false.
 */
$socket = @stream_socket_client( 'unix:///run/subako/mail.sock', $code, $why, 10 );
if ( $socket ) {
	stream_set_timeout( $socket, 90 );
	stream_copy_to_stream( STDIN, $socket );
	stream_socket_shutdown( $socket, STREAM_SHUT_WR );
	$why = trim( (string) fgets( $socket ) );
}
if ( 'ok' === $why ) {
	exit( 0 );
}
fwrite( STDERR, 'mail refused: ' . ( '' === $why ? 'the platform does not answer' : $why ) . "\n" );
exit( 69 );
