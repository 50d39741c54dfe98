/** How long the outer server keeps in memory what the inner one said in place of a page: a change of the site's settings is seen after so long, at most. */
export const REMEMBERED_SECONDS = 10;
