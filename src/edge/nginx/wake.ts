/** How the edge has a site woken for a request whose connect failed: locations of every server that serves sites. */
import { APP } from '../app-files.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { BROKEN_OFF_PAGE, NOT_AWAKE_PAGE, UNKNOWN_HOST_PAGE } from './pages.ts';

/** Matches when the last upstream that nginx tried for a request was reached. (The inner server of the page cache may have been tried before.) */
const REACHED = '$upstream_connect_time ~ "\\d[^:]*$"';

/** The location that asks the dispatcher. @param fastcgi file with the parameters for PHP @param headers file with the headers of every answer */
export function wake(fastcgi: string, headers?: string): string {
  const said = headers === undefined ? '' : `\n      include ${EDGE_VIEW.config}/${headers};`;
  return `
    location = /.subako/wake {
      internal;
${questionToDaemon('wake')}
      # These are the variables of the request that asks; the server's rules, which know nothing of apps, have just set them anew.
      if (-e ${EDGE_VIEW.hosts}/$route_key/${APP}) {
        set $role public;
        set $upstream public.sock;
      }
      proxy_set_header X-Subako-Role $role;
      # The dispatcher has a deadline of its own, well below this.
      proxy_read_timeout 120s;
    }

${awaken('@wake', `      include ${EDGE_VIEW.config}/${fastcgi};`)}

    location @not_woken {
      default_type text/html;
      set $retry $wake_retry;
      if ($retry = "") { set $retry 5; }
      add_header Retry-After $retry always;
      add_header Cache-Control "no-store" always;
      add_header Server-Timing $wake_timing always;${said}
      if ($wake_status = "404") { return 421 '${UNKNOWN_HOST_PAGE}'; }
      if (${REACHED}) { return 502 '${BROKEN_OFF_PAGE}'; }
      return 503 '${NOT_AWAKE_PAGE}';
    }`;
}

/**
 * Where a request goes whose upstream's socket was not there, or where nobody listened: the connect failed, so it may be passed again once the site
 * is awake. @param pass how
 */
export function awaken(name: string, pass: string): string {
  return `    location ${name} {
      error_page 403 500 502 = @not_woken;
      # Connected once already: it reached the site, and is never run again.
      if (${REACHED}) { return 502; }
      set $upstream $role.sock;
      auth_request /.subako/wake;
      auth_request_set $wake_timing $upstream_http_server_timing;
      auth_request_set $wake_origin $upstream_http_x_subako_origin;
      auth_request_set $wake_retry $upstream_http_retry_after;
      auth_request_set $wake_status $upstream_http_x_subako_status;
      add_header Server-Timing $wake_timing always;
${pass}
    }`;
}

/** For a location that asks the daemon instead of a site: nothing of the visitor's request is handed on but what the location names. */
export function questionToDaemon(path: string): string {
  return `      proxy_pass http://unix:${EDGE_VIEW.wakeSocket}:/${path};
      proxy_pass_request_body off;
      proxy_pass_request_headers off;
      proxy_set_header Content-Length "";
      proxy_set_header Host ${path};
      proxy_set_header X-Subako-Host $host;
      proxy_connect_timeout 2s;`;
}
