/**
 * Doors before wp-admin and the login form, for sites that want them: an extra password, and a checker that is asked who somebody is.
 * Who may come near at all is said before (guards.ts).
 */
import { CHECKED, PASSWORD } from '../admin-door-files.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { LOGINS } from './guards.ts';
import { page } from './pages.ts';
import { questionToDaemon } from './wake.ts';

/** What stands behind them, as a regular expression: the scripts that people who run the site use. Visitors' pages ask two of wp-admin's scripts, and its pictures, styles and scripts of the browser. */
export const BEHIND_DOORS = '^/(?:wp-login\\.php|wp-admin/(?!admin-(?:ajax|post)\\.php$).*\\.php)$';

const NOT_LET_IN = page('Please sign in', 'This part of the site is for those who sign in first.');
const REFUSED = page('Not for you', 'You are signed in, and may not come in here.');
const NOBODY_TO_ASK = page('Please try again', 'Who you are could not be found out just now. Nothing you sent was processed. Try again in a few seconds.');

/** For the http block. */
export function doorMaps(): string {
  return `
  js_import door from admin-door.js;
  # Who came in with the extra password lately.
  js_shared_dict_zone zone=let_in:1m timeout=12h evict;
  js_set $door_realm door.realm;
  js_set $door_tried door.tried;
  js_set $door_let_in door.letIn;
  js_set $basic_authorization door.forSite;
  map $door_tried $door_try_of { 1 $counted_network; default ""; }
  limit_req_zone $door_try_of zone=doors:4m rate=${LOGINS.perMinute}r/m;
  # As PHP and the checker get it.
  map $http_authorization $site_authorization { "" ""; "~*^basic " $basic_authorization; default $http_authorization; }`;
}

/** For the server block. @param script what leads to a script of the site that is there */
export function adminDoors(script: string): string {
  const route = `${EDGE_VIEW.hosts}/$route_key`;
  return `
    location ~ ${BEHIND_DOORS} {
      limit_req zone=logins burst=${LOGINS.atOnce} nodelay;
      limit_req zone=doors burst=${LOGINS.atOnce} nodelay;
      auth_basic $door_realm;
      auth_basic_user_file ${route}/${PASSWORD};
      # nginx asks this last.
      auth_request /.subako/enter;
      auth_request_set $entry_status $upstream_http_x_subako_status;
      auth_request_set $entry_location $upstream_http_x_subako_location;
      error_page 403 500 = @not_let_in;
${script}
    }

    location = /.subako/enter {
      internal;
      set $let_in $door_let_in;
      if (!-e ${route}/${CHECKED}) { return 204; }
${questionToDaemon('enter')}
      proxy_set_header X-Subako-Origin $scheme://$host$port_suffix;
      proxy_set_header X-Subako-Method $request_method;
      proxy_set_header X-Subako-Uri $request_uri;
      proxy_set_header X-Subako-Address $remote_addr;
      proxy_set_header Cookie $http_cookie;
      proxy_set_header Authorization $site_authorization;
      # The daemon has a deadline of its own, well below this.
      proxy_read_timeout 30s;
    }

    location @not_let_in {
      default_type text/html;
      add_header Cache-Control "no-store" always;
      include ${EDGE_VIEW.config}/headers.conf;
      if ($entry_location != "") { return 302 $entry_location; }
      if ($entry_status = "401") { return 401 '${NOT_LET_IN}'; }
      if ($entry_status = "403") { return 403 '${REFUSED}'; }
      return 503 '${NOBODY_TO_ASK}';
    }`;
}
