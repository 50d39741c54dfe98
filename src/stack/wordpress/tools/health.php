<?php
/** What is right and wrong with a site, as far as WordPress knows. `start` asks one thing alone: do plugins and theme load? */
if ( 'start' === $subako_input['action'] ) {
	subako_done( array( 'plugins' => count( wp_get_active_and_valid_plugins() ) ) );
}
global $wpdb;
$checks = array();
$check  = function ( $name, $state, $said ) use ( &$checks ) {
	$checks[] = compact( 'name', 'state', 'said' );
};
$check( 'versions', 'ok', "WordPress {$GLOBALS['wp_version']}, PHP " . PHP_VERSION . ', MariaDB ' . $wpdb->db_version() );
$behind = (int) get_option( 'db_version' ) < $GLOBALS['wp_db_version'];
$check( 'database', $behind ? 'warn' : 'ok', $behind ? 'its tables are of an older WordPress: log in, and WordPress offers to update them' : 'its tables are those of this WordPress' );
$size = $wpdb->get_row( 'SELECT COUNT(*) AS n, COALESCE(SUM(data_length + index_length), 0) AS bytes FROM information_schema.tables WHERE table_schema = DATABASE()' );
$check( 'size', 'ok', "$size->n tables, " . size_format( $size->bytes, 1 ) );
$autoload = (int) $wpdb->get_var( "SELECT COALESCE(SUM(LENGTH(option_value)), 0) FROM $wpdb->options WHERE autoload IN ('yes', 'on', 'auto', 'auto-on')" );
$check( 'options', $autoload > 1000000 ? 'warn' : 'ok', size_format( $autoload, 1 ) . ' of options are read at every request' );
$theme = wp_get_theme();
$check( 'theme', $theme->exists() && ! $theme->errors() ? 'ok' : 'fail', $theme->exists() ? $theme->get_stylesheet() . ( $theme->errors() ? ': ' . subako_strip( $theme->errors()->get_error_message() ) : '' ) : 'the active theme “' . get_stylesheet() . '” is not there' );
$active  = array_filter( (array) get_option( 'active_plugins', array() ), 'is_string' );
$missing = array_filter( $active, fn( $file ) => 0 !== validate_file( $file ) || ! is_file( WP_PLUGIN_DIR . "/$file" ) );
$check( 'plugins', $missing ? 'warn' : 'ok', $missing ? 'active, but not there: ' . implode( ', ', $missing ) : count( $active ) . ' active' );
$uploads = wp_upload_dir( null, false )['basedir'];
$check( 'uploads', wp_is_writable( $uploads ) ? 'ok' : 'fail', wp_is_writable( $uploads ) ? 'can be written to' : "$uploads cannot be written to" );
$dropins = array_keys( get_dropins() );
$check( 'drop-ins', 'ok', $dropins ? implode( ', ', $dropins ) : 'none' );
$crons = _get_cron_array();
$late  = array_filter( array_keys( $crons ), fn( $at ) => $at < time() - DAY_IN_SECONDS );
$check( 'schedule', $late ? 'warn' : 'ok', $late ? count( $late ) . ' entries are late by more than a day' : count( $crons ) . ' entries, none late' );
$check( 'administrators', get_users( array( 'role' => 'administrator', 'number' => 1, 'fields' => 'ID' ) ) ? 'ok' : 'warn', count( get_users( array( 'role' => 'administrator', 'number' => 50, 'fields' => 'ID' ) ) ) . ' of the users' );
$check( 'search engines', get_option( 'blog_public' ) ? 'ok' : 'warn', get_option( 'blog_public' ) ? 'may list the site' : 'are asked to stay away' );
subako_done( $checks );
