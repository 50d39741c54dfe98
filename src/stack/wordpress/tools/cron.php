<?php
/** Runs what is due of WordPress's schedule, as wp-cron.php would, until the time is over. An entry that dies does not come back: it was put down again before it began. */
if ( ! defined( 'DOING_CRON' ) ) {
	define( 'DOING_CRON', true );
}
$end   = microtime( true ) + $subako_input['seconds'];
$ran   = array();
$lock  = sprintf( '%.22F', microtime( true ) );
$crons = wp_get_ready_cron_jobs();
set_transient( 'doing_cron', $lock );
foreach ( $crons as $at => $hooks ) {
	foreach ( $hooks as $hook => $entries ) {
		foreach ( $entries as $entry ) {
			if ( microtime( true ) > $end ) {
				break 3;
			}
			if ( $entry['schedule'] ) {
				wp_reschedule_event( $at, $entry['schedule'], $hook, $entry['args'] );
			}
			wp_unschedule_event( $at, $hook, $entry['args'] );
			$ran[] = (string) $hook;
			try {
				do_action_ref_array( $hook, $entry['args'] );
			} catch ( Throwable $thrown ) {
				error_log( "wp-cron: $hook: $thrown" );
			}
		}
	}
}
if ( get_transient( 'doing_cron' ) === $lock ) {
	delete_transient( 'doing_cron' );
}
subako_done( array( 'ran' => $ran ) );
