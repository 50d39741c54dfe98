/** What a visitor reads when there is no page to show: plain, honest, without a word about our insides. No quotes or dollar signs: nginx strings. */

export const UNKNOWN_HOST_PAGE = page('No such site', 'There is no site with this name on this server.');

export const NOT_AWAKE_PAGE = page('Please try again', 'This site could not be started just now. Nothing you sent was processed. Try again in a few seconds.');

export const BROKEN_OFF_PAGE = page(
  'The answer broke off',
  'This site stopped while it was answering. What you sent may or may not have been processed, so it was not sent a second time.',
);

export function page(title: string, text: string): string {
  const style = 'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1rem;color:#222}h1{font-size:1.6rem}';
  return `<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=width=device-width><title>${title}</title><style>${style}</style><h1>${title}</h1><p>${text}</p></html>`;
}
