/**
 * Kept pages by device, for sites that make different pages for phones. Other sites pay nothing for it, because it is looked at only when a page is
 * made: in place of the page, the outer server then remembers that there are two, and sends each visitor on to the one for the visitor's device.
 */
import { REMEMBERED_SECONDS } from './remembered.ts';

/** By this status the inner server says that there are two pages (see `ownStatus` in page-cache.ts). */
export const DIVIDED = 599;
export const DEVICES = ['mobile', 'desktop'] as const;

/** What WordPress looks for in a User-Agent: wp_is_mobile(). */
const MOBILE = 'Mobile|Android|Silk/|Kindle|BlackBerry|Opera Mini|Opera Mobi';
const AGENT = 'compatible; Subako page cache';

/** For the http block. */
export function deviceMaps(): string {
  return `
  # What a browser says of itself in so many words comes before its name.
  map "$http_sec_ch_ua_mobile:$http_user_agent" $device { "~^\\?1:" mobile; "~^[^:]" desktop; "~${MOBILE}" mobile; default desktop; }
  # As PHP is told in the inner server.
  map $http_x_subako_device $page_agent {
    mobile "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36 (${AGENT})";
    default "Mozilla/5.0 (${AGENT})";
  }`;
}

/** For the outer server: where a page that is divided is asked for again, by device. */
export function deviceLocation(): string {
  return `
    location @device {
      set $page_device " $device";
      rewrite ^ /.subako/page last;
    }`;
}

/** For the inner server. */
export function dividedPages(): string {
  return `
    set $undivided "$http_x_subako_site:$http_x_subako_device";
    if ($undivided ~ " device:$") { rewrite ^ /.subako/divided last; }
    location = /.subako/divided {
      internal;
      add_header X-Accel-Expires ${REMEMBERED_SECONDS} always;
      return ${DIVIDED};
    }`;
}
