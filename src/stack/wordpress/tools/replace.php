<?php
/** Replaces text all over a site's database. In one transaction: it happens whole or, where every table is of a kind that can, not at all. */
require '/etc/subako/site/config.php';
mysqli_report( MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT );
$db = new mysqli( 'localhost', DB_USER, DB_PASSWORD, DB_NAME, 0, '/run/mysqld/mysqld.sock' );
$db->set_charset( 'utf8mb4' );
$db->query( 'SET SESSION max_statement_time = 0' );
$db->begin_transaction();

$is_url   = isset( $subako_input['urls'] );
$replacer = new Subako_Replacer( $is_url ? subako_url_replacer( $subako_input['urls'], $subako_input['new'] ) : subako_text_replacer( $subako_input['old'], $subako_input['new'] ) );
$needles  = $is_url
	? array_map( fn( $url ) => preg_split( '~[/]~', explode( '://', $url, 2 )[1] )[0], $subako_input['urls'] )
	: array_unique( array( $subako_input['old'], substr( json_encode( $subako_input['old'], JSON_INVALID_UTF8_SUBSTITUTE ), 1, -1 ) ) );
// The address before a port is encoded otherwise in a query.
$needles  = array_values( array_unique( $is_url ? array_map( fn( $needle ) => explode( ':', $needle )[0], $needles ) : $needles ) );
$patterns = array_map( fn( $needle ) => '%' . strtr( $needle, array( '|' => '||', '%' => '|%', '_' => '|_' ) ) . '%', $needles );

$report = array( 'tables' => array(), 'rows' => 0, 'values' => 0, 'withoutKey' => array(), 'notAtomic' => array() );
$tables = $db->query( "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name" )->fetch_all();
foreach ( $tables as list( $table, $engine ) ) {
	if ( ! $subako_input['allTables'] && ! str_starts_with( $table, $table_prefix ) ) {
		continue;
	}
	$found = subako_replace_table( $table );
	if ( $found['values'] > 0 ) {
		$report['tables'][] = array( 'table' => $table ) + $found;
		$report['rows']    += $found['rows'];
		$report['values']  += $found['values'];
		if ( 'InnoDB' !== $engine ) {
			$report['notAtomic'][] = $table;
		}
	}
}
$subako_input['dryRun'] ? $db->rollback() : $db->commit();
subako_done( $report + array( 'objects' => $replacer->objects, 'broken' => $replacer->broken ) );

function subako_replace_table( string $table ): array {
	global $db, $patterns, $report, $subako_input;
	subako_say( 'progress', array( 'text' => $table ) );
	list( $keys, $columns ) = subako_columns( $table );
	if ( array() === $columns ) {
		return array( 'rows' => 0, 'values' => 0 );
	}
	if ( array() === $keys ) {
		$report['withoutKey'][] = $table;
		return array( 'rows' => 0, 'values' => 0 );
	}
	$any  = implode( ' OR ', array_merge( ...array_map( fn( $column ) => array_fill( 0, count( $patterns ), subako_name( $column ) . " LIKE ? ESCAPE '|'" ), $columns ) ) );
	$like = array_merge( ...array_fill( 0, count( $columns ), $patterns ) );
	$list = implode( ', ', array_map( 'subako_name', $keys ) );
	$from = 'SELECT ' . implode( ', ', array_map( 'subako_name', array_merge( $keys, $columns ) ) ) . ' FROM ' . subako_name( $table ) . " WHERE ($any)";
	$done = array( 'rows' => 0, 'values' => 0 );
	$last = array();
	do {
		$after = $last ? " AND ($list) > (" . implode( ', ', array_fill( 0, count( $keys ), '?' ) ) . ')' : '';
		$rows  = $db->execute_query( "$from$after ORDER BY $list LIMIT 50", array_merge( $like, $last ) )->fetch_all( MYSQLI_NUM );
		foreach ( $rows as $row ) {
			$last    = array_slice( $row, 0, count( $keys ) );
			$changed = subako_replace_row( $table, array( $keys, $columns ), $row );
			$done    = array( 'rows' => $done['rows'] + ( $changed > 0 ? 1 : 0 ), 'values' => $done['values'] + $changed );
		}
	} while ( count( $rows ) === 50 );
	return $done;
}

function subako_replace_row( string $table, array $names, array $row ): int {
	global $db, $replacer, $subako_input;
	list( $keys, $columns ) = $names;
	$old = array_combine( $columns, array_slice( $row, count( $keys ) ) );
	$new = array();
	foreach ( $old as $column => $value ) {
		$replaced = null === $value ? null : $replacer->value( $value );
		if ( $replaced !== $value ) {
			$new[ $column ] = $replaced;
		}
	}
	if ( array() === $new || $subako_input['dryRun'] ) {
		return count( $new );
	}
	$set   = implode( ', ', array_map( fn( $column ) => subako_name( $column ) . ' = ?', array_keys( $new ) ) );
	$where = implode( ' AND ', array_map( fn( $key ) => subako_name( $key ) . ' = ?', $keys ) );
	$db->execute_query( 'UPDATE ' . subako_name( $table ) . " SET $set WHERE $where", array_merge( array_values( $new ), array_slice( $row, 0, count( $keys ) ) ) );
	return count( $new );
}

/** The table's primary key, and the columns with text that may be changed: no keys, no passwords, and no GUIDs, which are names and not addresses. */
function subako_columns( string $table ): array {
	global $db, $subako_input;
	$all     = $db->execute_query( 'SELECT column_name, data_type, column_key, COALESCE(generation_expression, "") FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position', array( $table ) )->fetch_all();
	$keys    = array();
	$columns = array();
	foreach ( $all as list( $column, $type, $key, $generated ) ) {
		if ( 'PRI' === $key ) {
			$keys[] = $column;
		} elseif ( '' === $generated && in_array( $type, array( 'char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext' ), true ) ) {
			if ( 'user_pass' !== $column && ( 'guid' !== $column || $subako_input['guids'] ) ) {
				$columns[] = $column;
			}
		}
	}
	return array( $keys, $columns );
}

function subako_name( string $name ): string {
	return '`' . str_replace( '`', '``', $name ) . '`';
}
