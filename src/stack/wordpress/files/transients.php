<?php
/**
 * Transients that the public role sets: it cannot write them to the database, so they are kept in its own container's memory (APCu), for a minute at
 * most, because what the admin role writes meanwhile is not seen there. Those in the database are read where there is none. Loaded before WordPress.
 */

const SUBAKO_TRANSIENT_SECONDS = 60;
const SUBAKO_TRANSIENT         = '/^_(?:site_)?transient_/';

function subako_read_transient( $found, $option ) {
	if ( false !== $found || ! str_starts_with( $option, '_' ) || ! preg_match( SUBAKO_TRANSIENT, $option ) ) {
		return $found;
	}
	$kept = apcu_fetch( "subako $option", $is_kept );
	return $is_kept ? $kept : $found;
}

function subako_keep_new_transient( $option, $value ) {
	if ( preg_match( SUBAKO_TRANSIENT, $option ) ) {
		apcu_store( "subako $option", $value, SUBAKO_TRANSIENT_SECONDS );
	}
}

function subako_keep_transient( $option, $old, $value ) {
	subako_keep_new_transient( $option, $value );
}

/** WordPress looks for the row before it tells that an option goes; of these there is none. */
function subako_drop_transient( $query ) {
	if ( preg_match( "/^SELECT autoload FROM \S+ WHERE option_name = '(_(?:site_)?transient_[^']*)'/", $query, $of ) ) {
		apcu_delete( 'subako ' . stripslashes( $of[1] ) );
	}
	return $query;
}

if ( 'public' === SUBAKO_ROLE && function_exists( 'apcu_enabled' ) && apcu_enabled() ) {
	foreach (
		array(
			array( 'pre_option', 'subako_read_transient', 2 ),
			array( 'add_option', 'subako_keep_new_transient', 2 ),
			array( 'update_option', 'subako_keep_transient', 3 ),
			array( 'query', 'subako_drop_transient', 1 ),
		) as list( $hook, $function, $arguments )
	) {
		$GLOBALS['wp_filter'][ $hook ][0][ $function ] = array( 'function' => $function, 'accepted_args' => $arguments );
	}
}
