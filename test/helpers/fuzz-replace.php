<?php
/** Reads {"old","new","cases"} from standard input; says which cases come out otherwise than PHP itself would have serialised them. */
final class Foreign {
	public $value;
}
function build( $node, $swap ) {
	switch ( $node['t'] ) {
		case 's': return $swap( $node['v'] );
		case 'z': return serialize( build( $node['v'], $swap ) );
		case 'a':
			$list = array();
			foreach ( $node['v'] as list( $key, $value ) ) {
				$list[ $key ] = build( $value, $swap );
			}
			return $list;
		case 'o': return (object) build( array( 't' => 'a', 'v' => $node['v'] ), $swap );
		case 'x':
			$object        = new Foreign();
			$object->value = build( $node['v'], fn( $text ) => $text );
			return $object;
		default: return $node['v'];
	}
}
$input    = json_decode( stream_get_contents( STDIN ), true, 512, JSON_THROW_ON_ERROR );
$replace  = subako_text_replacer( $input['old'], $input['new'] );
$wrong    = array();
$replacer = new Subako_Replacer( $replace );
foreach ( $input['cases'] as $case ) {
	$got  = $replacer->value( serialize( build( $case, fn( $text ) => $text ) ) );
	$want = serialize( build( $case, $replace ) );
	if ( $got !== $want ) {
		$wrong[] = compact( 'case', 'got', 'want' );
	}
}
$list      = array( 'x' => 'old' );
$list['y'] = &$list['x'];
$by_hand   = array(
	array( serialize( $list ), unserialize( ( new Subako_Replacer( fn( $t ) => str_replace( 'old', 'longer', $t ) ) )->value( serialize( $list ) ) ) === array( 'x' => 'longer', 'y' => 'longer' ) ),
);
echo json_encode( array( 'wrong' => array_slice( $wrong, 0, 3 ), 'count' => count( $input['cases'] ), 'broken' => $replacer->broken, 'objects' => $replacer->objects, 'references' => $by_hand[0][1] ), JSON_INVALID_UTF8_SUBSTITUTE );
