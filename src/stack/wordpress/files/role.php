<?php
/** What differs between a site's two containers, SUBAKO_ROLE `public` and `admin`. Loaded before WordPress, whose hooks are filled in ahead. */

/**
 * Of the public role: its database user may only read, so nothing that writes is even sent. A plugin that counts views or keeps a
 * transient goes on as if the row had not been there.
 */
function subako_only_reads( $query ) {
	return preg_match( '/^\s*(?:INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|TRUNCATE|RENAME|LOCK|UNLOCK|OPTIMIZE|START|BEGIN|COMMIT|ROLLBACK)\b/i', $query ) ? '' : $query;
}

/** What WordPress works out about a theme's files is kept for a week, not for half an hour: the public role cannot keep it again. A change of the theme renews it. */
function subako_keep_themes() {
	return 604800;
}

if ( 'public' === SUBAKO_ROLE ) {
	$GLOBALS['wp_filter']['query'][0]['subako_only_reads'] = array( 'function' => 'subako_only_reads', 'accepted_args' => 1 );
}
$GLOBALS['wp_filter']['wp_cache_themes_persistently'][10]['subako_keep_themes'] = array( 'function' => 'subako_keep_themes', 'accepted_args' => 0 );
