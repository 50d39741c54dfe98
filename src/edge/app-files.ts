/** What a site's entry in the route tree says of an app, in a small file. */

/** Is there where all requests go to the app. */
export const APP = 'app';
