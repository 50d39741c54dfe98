/** Renders the edge's configuration. Nothing of a tenant is in it: sites come and go in the route tree alone. */
import { MAX_PLAIN_KEY } from '../../domain/route-key.ts';
import { SLOTS } from '../route-tree.ts';
import { doorMaps } from './admin-doors.ts';
import { appLocations, appMaps } from './app-locations.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { guardMaps, guardOfPages, guardRules } from './guards.ts';
import { CONNECTIONS_BEHIND_FRONT, handshakeFront } from './handshake-front.ts';
import { roleMaps } from './role-rules.ts';
import { dropServer, pageCacheHttp, pageLocations, pageServer, toPages } from './page-cache.ts';
import { nameAndHttpsRules, nameAndHttpsRulesOfPages, refusingServer, siteRules, tlsServer, tlsSettings } from './tls.ts';
import { wake } from './wake.ts';
import { upstream, wordpressLocations } from './wordpress-locations.ts';

export interface EdgePorts {
  readonly http: number;
  readonly https: number;
  /** Whether this machine has IPv6 at all. */
  readonly ipv6: boolean;
  readonly http3: boolean;
  /** Whether authorities may look at names by TLS-ALPN-01 (see handshake-front.ts). */
  readonly tlsAlpn: boolean;
  /** Requests at once from one address; 0 = any number. */
  readonly connectionsPerAddress: number;
}

export interface EdgeSettings extends EdgePorts {
  /** Bound of the page cache. */
  readonly cacheBytes: number;
}

/** The largest request body that any site may take (src/site/php-settings.ts has the same number). What a site takes is PHP's to say: 72 MiB by default. */
const MAX_BODY = '136m';
/** At once, of each worker. */
const CONNECTIONS = 4096;

export function renderNginx(settings: EdgeSettings): string {
  return `# Written by Subako at every start; changes are lost.
daemon off;
pid ${EDGE_VIEW.scratch}/nginx.pid;
error_log stderr error;
worker_processes auto;
worker_rlimit_nofile 16384;
# A request passes some fifteen regular expressions.
pcre_jit on;
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
load_module /usr/lib/nginx/modules/ngx_http_page_variables_module.so;
load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;
load_module /usr/lib/nginx/modules/ngx_http_cache_purge_module.so;
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
${settings.tlsAlpn ? 'load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n' : ''}
events {
  worker_connections ${settings.tlsAlpn ? CONNECTIONS * CONNECTIONS_BEHIND_FRONT : CONNECTIONS};
}
${handshakeFront(settings)}
http {
${http()}
${routing()}
${tlsSettings(settings)}
${logging()}
${pageCacheHttp(settings.cacheBytes)}

${refusingServer(settings)}

  server {
${listeners(settings)}
${tlsServer(settings)}

${siteRules(toPages())}
${appLocations(nameAndHttpsRules())}

${wake('fastcgi.conf', 'headers.conf')}
${pageLocations([nameAndHttpsRules(), upstream(), guardRules()].join('\n'))}
${wordpressLocations()}
  }
${pageServer(upstream(), [nameAndHttpsRulesOfPages(), guardOfPages()].join('\n'))}
${dropServer()}
}
`;
}

function http(): string {
  return `  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  absolute_redirect off;
  # @wake and @not_woken are reached as error pages themselves; none of them leads back.
  recursive_error_pages on;
  log_not_found off;
  variables_hash_max_size 2048;
  keepalive_timeout 30s;
  keepalive_requests 1000;
  reset_timedout_connection on;

  # Slow and oversized requests.
  client_header_timeout 10s;
  client_body_timeout 30s;
  send_timeout 30s;
  client_max_body_size ${MAX_BODY};
  client_body_buffer_size 64k;
  large_client_header_buffers 4 16k;

  client_body_temp_path ${EDGE_VIEW.scratch}/body;
  fastcgi_temp_path ${EDGE_VIEW.scratch}/fastcgi;
  proxy_temp_path ${EDGE_VIEW.scratch}/proxy;
  uwsgi_temp_path ${EDGE_VIEW.scratch}/uwsgi;
  scgi_temp_path ${EDGE_VIEW.scratch}/scgi;

  gzip on;
  gzip_comp_level 4;
  gzip_min_length 1024;
  gzip_vary on;
  gzip_proxied any;
  gzip_types text/css text/plain text/xml text/javascript application/json application/xml application/rss+xml application/manifest+json image/svg+xml;

  fastcgi_buffer_size 32k;
  fastcgi_buffers 32 16k;
  fastcgi_read_timeout 300s;
  # A site's answer must not steer the edge.
  fastcgi_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
  fastcgi_hide_header X-Powered-By;`;
}

function routing(): string {
  return `
  # $host is lower case, without port and trailing dot. The key of a usual name is the name; a long one gets a digest.
  js_path ${EDGE_VIEW.config};
  js_import routes from route-key.js;
  js_set $long_route_key routes.longRouteKey;
  map $host $route_key {
    "~^[a-z0-9](?:[a-z0-9.-]{0,${MAX_PLAIN_KEY - 2}}[a-z0-9])?$" $host;
    default $long_route_key;
  }
  # Where the visitor came in: behind a front (TLS-ALPN-01) the connection itself is one of a socket.
  map $server_port $asked_port {
    "" $proxy_protocol_server_port;
    default $server_port;
  }
  map $server_port $asked_address {
    "" $proxy_protocol_server_addr;
    default $server_addr;
  }
  # The name a site sees: its own, with the port the visitor used.
  map "$scheme:$asked_port" $port_suffix {
    "http:80" "";
    "https:443" "";
    default ":$asked_port";
  }
  map $https $https_flag {
    "on" "on";
    default "";
  }
${roleMaps()}${guardMaps()}${doorMaps()}${appMaps()}
  # Requests of a role with several instances are divided evenly.
  split_clients "$connection.$connection_requests.$msec" $slot {
${slots()}
  }
  # Assets that carry a version never change under the same address.
  map $arg_ver $asset_cache {
    "" "public, max-age=3600";
    default "public, max-age=31536000, immutable";
  }
  map $uri $asset_policy {
    "~*^/wp-content/.*\\.(?:svgz?|html?|xml|xhtml)$" "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox";
    default "";
  }`;
}

function slots(): string {
  const share = 100 / SLOTS;
  return Array.from({ length: SLOTS }, (_, slot) => `    ${slot === SLOTS - 1 ? '*' : `${share}%`} ${slot}.sock;`).join('\n');
}

function logging(): string {
  return `
  # Access events for the daemon: one line for each request that reached, or tried to reach, a container. Buffered, so no request waits for it.
  map $upstream_status $is_dynamic {
    "" 0;
    default 1;
  }
  log_format events escape=json '{"at":$msec,"host":"$host","role":"$role","status":$status,"seconds":$request_time,"woken":"$wake_origin"}';
  access_log ${EDGE_VIEW.log}/access.log events buffer=32k flush=500ms if=$is_dynamic;`;
}

function listeners({ http: plain, ipv6 }: EdgePorts): string {
  const also = ipv6 ? [`    listen [::]:${plain} default_server ipv6only=on backlog=1024;`] : [];
  return [`    listen ${plain} default_server backlog=1024;`, ...also].join('\n');
}
