/** What a site's entry in the route tree says of how it is served, by small files that are there or not. */

/** Is there where all requests go to the app. */
export const APP = 'app';
/** Is there where nothing runs, and files are all there is. */
export const STATIC = 'static';
/** Leads to the files that the edge serves: all of them, or those of an app that need no answer of its own. */
export const FILES = 'www';
