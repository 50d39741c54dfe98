<?php
/**
 * Replaces text in values as WordPress keeps them: plain, as JSON, or serialised by PHP, also one inside the other. Serialised text is read as
 * text and never given to unserialize(): a value that somebody planted cannot make an object of any class here.
 *
 * Strings change and their lengths with them. Left as they are, byte for byte: keys, objects of any class but stdClass (what their text means is
 * theirs alone), and values that begin as serialised ones do and are not whole.
 */
final class Subako_Replacer {
	/** Deeper than any honest value. */
	const MAX_DEPTH = 100;
	public int $objects = 0;
	public int $broken  = 0;
	/** @var callable(string): string */
	private $replace;

	public function __construct( callable $replace ) {
		$this->replace = $replace;
	}

	public function value( string $text, int $depth = 0 ): string {
		if ( ! preg_match( '/^(?:N;$|b:[01];$|i:[+-]?\d+;$|d:[^;]{1,40};$|a:\d+:\{|[sS]:\d+:"|[OCE]:\d+:")/D', $text ) ) {
			return ( $this->replace )( $text );
		}
		$at  = 0;
		$new = $depth > self::MAX_DEPTH ? null : $this->part( $text, $at, $depth, false );
		if ( null !== $new && strlen( $text ) === $at ) {
			return $new;
		}
		++$this->broken;
		return $text;
	}

	/** One serialised value from $at on, which moves behind it; null where it is not one. */
	private function part( string $text, int &$at, int $depth, bool $keep ): ?string {
		if ( $depth > self::MAX_DEPTH ) {
			return null;
		}
		if ( preg_match( '/\G(?:N;|b:[01];|i:[+-]?\d{1,20};|d:(?:-?INF|NAN|[+-]?[\d.]+(?:[eE][+-]?\d+)?);|[rR]:\d{1,20};)/', $text, $found, 0, $at ) ) {
			$at += strlen( $found[0] );
			return $found[0];
		}
		return match ( $text[ $at ] ?? '' ) {
			's' => $this->string( $text, $at, $depth, $keep ),
			'a' => $this->list( $text, $at, $depth, $keep ),
			'O' => $this->object( $text, $at, $depth, $keep ),
			'C' => $this->opaque( $text, $at ),
			'E' => $this->counted( $text, $at, 'E' ),
			default => null,
		};
	}

	private function string( string $text, int &$at, int $depth, bool $keep ): ?string {
		$whole = $this->counted( $text, $at, 's' );
		if ( null === $whole || $keep ) {
			return $whole;
		}
		$inner = substr( $whole, strpos( $whole, '"' ) + 1, -2 );
		$new   = $this->value( $inner, $depth + 1 );
		return $new === $inner ? $whole : 's:' . strlen( $new ) . ":\"$new\";";
	}

	/** X:5:"12345"; */
	private function counted( string $text, int &$at, string $kind ): ?string {
		if ( ! preg_match( "/\G$kind:(\d{1,10}):\"/", $text, $found, 0, $at ) ) {
			return null;
		}
		$size = strlen( $found[0] ) + (int) $found[1] + 2;
		$part = substr( $text, $at, $size );
		if ( strlen( $part ) !== $size || '";' !== substr( $part, -2 ) ) {
			return null;
		}
		$at += $size;
		return $part;
	}

	private function list( string $text, int &$at, int $depth, bool $keep ): ?string {
		if ( ! preg_match( '/\Ga:(\d{1,10}):\{/', $text, $found, 0, $at ) ) {
			return null;
		}
		$at += strlen( $found[0] );
		return $this->pairs( $text, $at, (int) $found[1], array( $found[0], $depth, $keep ) );
	}

	private function object( string $text, int &$at, int $depth, bool $keep ): ?string {
		if ( ! preg_match( '/\GO:(\d{1,10}):"([^"]*)":(\d{1,10}):\{/', $text, $found, 0, $at ) || strlen( $found[2] ) !== (int) $found[1] ) {
			return null;
		}
		$at   += strlen( $found[0] );
		$keep2 = $keep || 'stdClass' !== $found[2];
		if ( $keep2 && ! $keep ) {
			++$this->objects;
		}
		return $this->pairs( $text, $at, (int) $found[3], array( $found[0], $depth, $keep2 ) );
	}

	private function pairs( string $text, int &$at, int $count, array $rest ): ?string {
		list( $new, $depth, $keep ) = $rest;
		for ( $index = 0; $index < $count; ++$index ) {
			$key   = $this->part( $text, $at, self::MAX_DEPTH, true );
			$value = null === $key || ! str_contains( 'is', $key[0] ) ? null : $this->part( $text, $at, $depth + 1, $keep );
			if ( null === $value ) {
				return null;
			}
			$new .= $key . $value;
		}
		if ( '}' !== ( $text[ $at ] ?? '' ) ) {
			return null;
		}
		++$at;
		return "$new}";
	}

	/** C:5:"Class":3:{abc} */
	private function opaque( string $text, int &$at ): ?string {
		if ( ! preg_match( '/\GC:(\d{1,10}):"([^"]*)":(\d{1,10}):\{/', $text, $found, 0, $at ) || strlen( $found[2] ) !== (int) $found[1] ) {
			return null;
		}
		$size = strlen( $found[0] ) + (int) $found[3] + 1;
		$part = substr( $text, $at, $size );
		if ( strlen( $part ) !== $size || '}' !== substr( $part, -1 ) ) {
			return null;
		}
		++$this->objects;
		$at += $size;
		return $part;
	}
}

/** Any text, and the same text as it stands in JSON. */
function subako_text_replacer( string $old, string $new ): callable {
	$pairs = array( $old => $new );
	$json  = fn( $text ) => substr( json_encode( $text, JSON_INVALID_UTF8_SUBSTITUTE ), 1, -1 );
	if ( $json( $old ) !== $old ) {
		$pairs[ $json( $old ) ] = $json( $new );
	}
	return fn( string $text ): string => strtr( $text, $pairs );
}

/**
 * Addresses below one URL, with http, https or no scheme, plain, with slashes as JSON escapes them, or encoded for a query. A longer name, or
 * another port, is another site and stays: http://old.example.org does not touch http://old.example.org.uk.
 */
function subako_url_replacer( array $olds, string $new ): callable {
	list( $scheme, $rest ) = explode( '://', $new, 2 );
	$styles                = array( fn( $text ) => $text, fn( $text ) => str_replace( '/', '\\/', $text ), 'rawurlencode' );
	$rules                 = array();
	foreach ( $olds as $old ) {
		$host = explode( '://', $old, 2 )[1];
		foreach ( $styles as $style ) {
			$rules[] = array(
				'~(' . preg_quote( $style( 'http:' ), '~' ) . '|' . preg_quote( $style( 'https:' ), '~' ) . ')?' . preg_quote( $style( "//$host" ), '~' ) . '(?![\w-]|\.\w|:\d|%3A\d)~i',
				fn( $found ) => ( '' === ( $found[1] ?? '' ) ? '' : $style( "$scheme:" ) ) . $style( "//$rest" ),
			);
		}
	}
	return function ( string $text ) use ( $rules ): string {
		foreach ( $rules as list( $pattern, $by ) ) {
			$text = preg_replace_callback( $pattern, $by, $text ) ?? $text;
		}
		return $text;
	};
}
