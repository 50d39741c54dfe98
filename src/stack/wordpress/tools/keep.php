<?php
/** Keeps a program of the operator's, such as WP-CLI, in the container's scratch space: under a name with its hash, so that one that is there already is not sent again. */
$path = "/tmp/{$subako_input['name']}";
if ( 'look' === $subako_input['action'] ) {
	subako_done( array( 'there' => is_file( $path ) && hash_file( 'sha256', $path ) === $subako_input['hash'] ) );
}
$draft = subako_take_file( '.draft' );
if ( hash_file( 'sha256', $draft ) !== $subako_input['hash'] || ! rename( $draft, $path ) ) {
	subako_fail( 'command_failed', 'the program could not be kept in the container' );
}
subako_done( array( 'there' => true ) );
