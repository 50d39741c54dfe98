<?php
/**
 * Reads a tar archive from standard input and puts what belongs to wp-content there. Runs as the site's own user in the site's own container,
 * and writes regular files and directories alone: whatever the archive says, it reaches nothing else.
 */
umask( 022 );
$root   = '/srv/wordpress/wp-content';
$report = array( 'files' => 0, 'bytes' => 0, 'leftOut' => array() );
$prefix = null;
$extra  = array();
$zeros  = 0;
$told   = microtime( true );
while ( $zeros < 2 ) {
	$header = subako_read( 512 );
	if ( null === $header ) {
		break;
	}
	if ( trim( $header, "\0" ) === '' ) {
		++$zeros;
		continue;
	}
	$zeros = 0;
	$entry = subako_header( $header );
	if ( in_array( $entry['type'], array( 'L', 'K', 'x', 'g' ), true ) ) {
		if ( $entry['size'] > 1048576 ) {
			subako_fail( 'command_failed', 'the archive has a name that is longer than any name can be' );
		}
		$extra = subako_extra( $entry, subako_read( $entry['size'] ) ) + ( 'g' === $entry['type'] ? array() : $extra );
		subako_skip( -$entry['size'] & 511 );
		continue;
	}
	$entry = array_merge( $entry, $extra );
	$extra = array();
	subako_entry( $entry );
	subako_skip( -$entry['size'] & 511 );
	if ( microtime( true ) > $told + 1 ) {
		subako_say( 'progress', array( 'files' => $report['files'], 'bytes' => $report['bytes'] ) );
		$told = microtime( true );
	}
}
// The sender may go on: archives end with as many zeros as tar likes.
while ( ! feof( STDIN ) && '' !== fread( STDIN, 65536 ) ) {
	continue;
}
subako_done( array( 'files' => $report['files'], 'bytes' => $report['bytes'], 'leftOut' => array_values( $report['leftOut'] ) ) );

function subako_entry( array $entry ): void {
	global $report, $root;
	$why = subako_objection( $entry, $place );
	if ( null !== $why ) {
		subako_leave_out( $why, $entry['name'] );
		subako_skip( $entry['size'] );
		return;
	}
	if ( '5' === $entry['type'] ) {
		is_dir( "$root/$place" ) || @mkdir( "$root/$place", 0755, true );
		subako_skip( $entry['size'] );
		return;
	}
	is_dir( dirname( "$root/$place" ) ) || @mkdir( dirname( "$root/$place" ), 0755, true );
	$file = @fopen( "$root/$place", 'wb' );
	if ( ! $file ) {
		subako_leave_out( 'names that no file can have', $entry['name'] );
		subako_skip( $entry['size'] );
		return;
	}
	$copied = stream_copy_to_stream( STDIN, $file, $entry['size'] );
	if ( ! fclose( $file ) || $copied !== $entry['size'] ) {
		subako_fail( feof( STDIN ) ? 'command_failed' : 'no_space', feof( STDIN ) ? 'the archive ends in the middle of a file' : 'the files do not fit on the disk' );
	}
	++$report['files'];
	$report['bytes'] += $entry['size'];
}

/** Why an entry is not taken, or null; then $place is where it goes below wp-content. */
function subako_objection( array $entry, ?string &$place ): ?string {
	$parts = array_values( array_filter( explode( '/', $entry['name'] ), fn( $part ) => '' !== $part && '.' !== $part ) );
	if ( in_array( '..', $parts, true ) || str_contains( $entry['name'], "\0" ) || str_starts_with( $entry['name'], '/' ) ) {
		return 'paths that lead out of the archive';
	}
	if ( in_array( $entry['type'], array( '1', '2' ), true ) ) {
		return 'links';
	}
	if ( ! in_array( $entry['type'], array( '0', '', '5', '7' ), true ) ) {
		return 'devices and other special files';
	}
	$place = subako_place( $parts );
	if ( null === $place ) {
		return 'wp-config.php' === end( $parts ) ? 'wp-config.php' : 'files of the core, and others outside wp-content';
	}
	if ( '' === $place && '5' === $entry['type'] ) {
		return null;
	}
	$inside = explode( '/', $place );
	if ( 1 === count( $inside ) && '5' !== $entry['type'] && 'index.php' !== $place ) {
		return str_ends_with( $place, '.php' ) ? 'drop-ins' : 'files at the top of wp-content';
	}
	if ( in_array( $inside[0], array( 'cache', 'upgrade', 'upgrade-temp-backup' ), true ) ) {
		return 'caches';
	}
	return null;
}

/** Below the first wp-content that the archive has, or, where it is one itself, below its top. */
function subako_place( array $parts ): ?string {
	global $prefix;
	$tops = array( 'plugins', 'themes', 'uploads', 'languages', 'mu-plugins' );
	if ( null === $prefix ) {
		$at = array_search( 'wp-content', $parts, true );
		if ( false !== $at && $at <= 6 ) {
			$prefix = array_slice( $parts, 0, $at + 1 );
		} elseif ( in_array( $parts[0] ?? '', $tops, true ) ) {
			$prefix = array();
		}
	}
	if ( null === $prefix || array_slice( $parts, 0, count( $prefix ) ) !== $prefix ) {
		return null;
	}
	return implode( '/', array_slice( $parts, count( $prefix ) ) );
}

function subako_leave_out( string $why, string $name ): void {
	global $report;
	$report['leftOut'][ $why ] ??= array( 'what' => $why, 'count' => 0, 'such' => array() );
	++$report['leftOut'][ $why ]['count'];
	if ( count( $report['leftOut'][ $why ]['such'] ) < 5 ) {
		$report['leftOut'][ $why ]['such'][] = substr( $name, 0, 200 );
	}
}

function subako_header( string $header ): array {
	$sum = array_sum( unpack( 'C*', substr_replace( $header, '        ', 148, 8 ) ) );
	if ( $sum !== subako_number( substr( $header, 148, 8 ) ) ) {
		subako_fail( 'command_failed', 'this is not a tar archive, or it is damaged', 'give a directory, a .tar or a .tar.gz' );
	}
	$name = rtrim( substr( $header, 0, 100 ), "\0" );
	$name = strtok( $name, "\0" ) ?: '';
	if ( "ustar\0" === substr( $header, 257, 6 ) && "\0" !== $header[345] ) {
		$name = strtok( substr( $header, 345, 155 ), "\0" ) . "/$name";
	}
	return array( 'name' => $name, 'size' => subako_number( substr( $header, 124, 12 ) ), 'type' => trim( $header[156], "\0" ) );
}

function subako_number( string $field ): int {
	if ( ord( $field[0] ) & 0x80 ) {
		return (int) array_reduce( str_split( substr( $field, -8 ) ), fn( $sum, $byte ) => ( $sum << 8 ) | ord( $byte ), 0 ) & PHP_INT_MAX;
	}
	return (int) octdec( trim( $field, " \0" ) ?: '0' );
}

/** What a long name or a pax header says of the entry that follows. */
function subako_extra( array $entry, ?string $text ): array {
	if ( 'L' === $entry['type'] ) {
		return array( 'name' => rtrim( (string) $text, "\0" ) );
	}
	$known = array();
	while ( 'x' === $entry['type'] && preg_match( '/^(\d{1,7}) /', (string) $text, $found ) && (int) $found[1] > strlen( $found[0] ) ) {
		$pair = explode( '=', substr( $text, strlen( $found[0] ), (int) $found[1] - strlen( $found[0] ) - 1 ), 2 );
		$text = substr( $text, (int) $found[1] );
		if ( 'path' === $pair[0] ) {
			$known['name'] = $pair[1] ?? '';
		} elseif ( 'size' === $pair[0] ) {
			$known['size'] = (int) ( $pair[1] ?? 0 );
		}
	}
	return $known;
}

function subako_read( int $bytes ): ?string {
	$text = 0 === $bytes ? '' : stream_get_contents( STDIN, $bytes );
	if ( '' === $text && $bytes > 0 ) {
		return null;
	}
	if ( strlen( (string) $text ) !== $bytes ) {
		subako_fail( 'command_failed', 'the archive ends too early' );
	}
	return $text;
}

function subako_skip( int $bytes ): void {
	while ( $bytes > 0 ) {
		$read = strlen( (string) fread( STDIN, min( $bytes, 65536 ) ) );
		if ( 0 === $read ) {
			subako_fail( 'command_failed', 'the archive ends too early' );
		}
		$bytes -= $read;
	}
}
