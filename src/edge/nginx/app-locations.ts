/** How a request for an app is passed to its container: all of them, as they came, and what it answers at once. */
import { APP, FILES } from '../app-files.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { fileLocations, fileMaps, toOwners } from './file-locations.ts';
import { UNTRUSTED } from './page-cache.ts';
import { awaken } from './wake.ts';

/** Long polls, streams and connections that say nothing for a while. */
const SILENCE = '1h';

/** For the http block. */
export function appMaps(): string {
  return `
  js_import app from app-upstream.js;
  # Looked at again after a wake, so two variables: nginx asks for each once.
  js_set $app_upstream app.upstream;
  js_set $app_upstream_awake app.upstream;
  # What the edge asks itself is not for the app.
  map $uri $app_mark { volatile; "~^/\\.subako/" none; default ${APP}; }
  # A connection becomes another kind for WebSockets alone.
  map $http_upgrade $app_upgrade { "~*^websocket$" websocket; default ""; }
  map $app_upgrade $app_connection { "" close; default upgrade; }${fileMaps()}`;
}

/** For the server block, after the rules of all sites. @param rules of names and https, which a request that pages were looked for has not passed */
export function appLocations(rules: string): string {
  const entry = `${EDGE_VIEW.hosts}/$route_key`;
  return `
${toOwners('$app_mark')}

    location = /.subako/app {
      internal;
      if (-e ${entry}/${FILES}) { rewrite ^ /.subako/files last; }
${rules}
${byApp(entry)}
    }

    # What is not answered from its files.
    location @app {
${byApp(entry)}
    }
${fileLocations(rules)}

${awaken('@wake_app', pass('$app_upstream_awake'))}`;
}

function byApp(entry: string): string {
  return `      set $role public;
      set $upstream public.sock;
      if (-e ${entry}/public.$slot) { set $upstream public.$slot; }
      error_page 502 = @wake_app;
${pass('$app_upstream')}`;
}

function pass(upstream: string): string {
  const told = new Set<string>([...TOLD.map(([name]) => nameOf(name)), ...METHODS]);
  const untrusted = UNTRUSTED.filter((name) => !told.has(name)).map((name) => [headerOf(name), '""'] as const);
  return `      proxy_pass http://${upstream}$request_uri;
      proxy_http_version 1.1;
${[...TOLD, ...untrusted].map(([name, value]) => `      proxy_set_header ${name} ${value};`).join('\n')}
      proxy_connect_timeout 5s;
      proxy_read_timeout ${SILENCE};
      proxy_send_timeout 60s;
      proxy_socket_keepalive on;
      # What it says is for the visitor now: streams, and events that come one by one.
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      proxy_redirect off;
      # An app's answer must not steer the edge.
      proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      include ${EDGE_VIEW.config}/headers.conf;`;
}

/** What the app is told of the request, whatever the visitor said of it. */
const TOLD: readonly (readonly [name: string, value: string])[] = [
  ['Host', '$host$port_suffix'],
  ['Upgrade', '$app_upgrade'],
  ['Connection', '$app_connection'],
  ['X-Real-IP', '$remote_addr'],
  ['X-Forwarded-For', '$remote_addr'],
  ['X-Forwarded-Proto', '$scheme'],
  ['X-Forwarded-Host', '$host$port_suffix'],
  ['X-Forwarded-Port', '$asked_port'],
];

/** What a request means is between the visitor and the app. */
const METHODS = ['X_HTTP_METHOD', 'X_METHOD_OVERRIDE'];

/** As in a CGI variable. */
function nameOf(header: string): string {
  return header.toUpperCase().replaceAll('-', '_');
}

function headerOf(name: string): string {
  return name.replaceAll('_', '-');
}
