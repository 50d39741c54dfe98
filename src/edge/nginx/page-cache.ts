/**
 * The page cache in the edge's configuration: two servers. Visitors reach the outer one, which keeps each page in up to three encodings. It gets them
 * from the inner one, on a socket of the edge's own, which asks the site and compresses. So a hit is a file that is sent as it is.
 */
import { toOwners } from './file-locations.ts';
import { deviceLocation, deviceMaps, DIVIDED, dividedPages } from './devices.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { NEVER_SERVED } from './never-served.ts';
import { ALT_SVC, unlessKnown } from './tls.ts';
import { wake } from './wake.ts';

/** Where the edge keeps pages, below its scratch directory. */
export const PAGES_DIR = 'pages';
export const PAGES_SOCKET = 'pages.sock';
/** Where the daemon tells the edge that a page is gone. */
export const DROP_SOCKET = 'drop.sock';
/** The header that says which one: its key in the cache. */
export const DROP_HEADER = 'X-Subako-Key';
/** The file in a host's directory of the route tree that says how its pages are kept. */
export const PAGES_FILE = 'pages';
export const ENCODINGS = ['br', 'gzip', 'identity'] as const;

/** By this status the inner server says that it does not make the page for everybody. */
const NOT_FOR_ALL = 598;
/** For what is kept without being asked for. */
const INACTIVE = '12h';
/** How long other visitors wait for a page that the first one asked for: longer than a cold start takes. */
const LOCK = '30s';
/** Pages with a longer address are not kept. */
const MAX_TARGET = 1_000;
/** Beginnings of cookies of visitors for whom a site may make pages of their own. */
const PERSONAL =
  'wordpress_(?!test_cookie)|wp-postpass|wp-settings|wp_|comment_author|woocommerce_|edd_|phpsessid|sess|laravel_session|it_exchange|tk_ai|jetpack|bbp_|pmpro_|mepr|learndash|lifterlms|wishlist|yith_';
const DYNAMIC =
  '^/(?:wp-(?:admin|json|login|cron|comments-post|signup|activate|trackback|mail|links-opml|content|includes)|xmlrpc|cart|basket|checkout|my-account|wc-api|edd-api|\\.subako)(?:[/.]|$)';
/** Only a liar sends these to a server that has no proxy in front, and no page may depend on them. */
export const UNTRUSTED = [
  'PROXY',
  'FORWARDED',
  'X_FORWARDED_FOR',
  'X_FORWARDED_HOST',
  'X_FORWARDED_PROTO',
  'X_FORWARDED_PORT',
  'X_FORWARDED_SERVER',
  'X_FORWARDED_SCHEME',
  'X_FORWARDED_PREFIX',
  'X_FORWARDED_SSL',
  'X_REAL_IP',
  'X_HOST',
  'X_ORIGINAL_HOST',
  'X_ORIGINAL_URL',
  'X_REWRITE_URL',
  'X_HTTP_METHOD',
  'X_METHOD_OVERRIDE',
] as const;

/** For the http block. */
export function pageCacheHttp(cacheBytes: number): string {
  const reasons = ['method', 'body', 'auth', 'cookie', 'uri', 'role', 'query'].map((name) => `$page_by_${name}`).join('');
  return `
  # Which request may be answered from the page cache: one that none of these speaks against.
  js_import pages from page-rules.js;
  js_shared_dict_zone zone=passed:2m timeout=300s evict;
  js_set $page_target_js pages.target;
  js_set $page_passed pages.passed;
  js_set $page_site pages.site;
  js_set $page_keep pages.keep;
  map $request_method $page_by_method { GET ""; HEAD ""; default method; }
  map "$http_content_length$http_transfer_encoding" $page_by_body { "" ""; 0 ""; default body; }
  map "$http_authorization$http_x_requested_with$http_x_wp_nonce$http_upgrade" $page_by_auth { "" ""; default auth; }
  map $http_cookie $page_by_cookie { "" ""; "~*(?:^|;)\\s*(?:${PERSONAL})" cookie; default ""; }
  map $uri $page_by_uri { / ""; "~*${DYNAMIC}" uri; "~*\\.php(?:/|$)" uri; "~/\\." uri; "~*(?:~|\\.(?:${NEVER_SERVED}))$" uri; "~*^/(?:readme\\.html|license\\.txt)$" uri; default ""; }
  map $asked_role $page_by_role { public ""; default role; }
  map $args $page_target { "" $request_uri; default $page_target_js; }
  map $page_target $page_by_query { "" query; "~^.{${MAX_TARGET}}" query; "~[^\x21-\x7e]" query; default ""; }
  map "${reasons}" $page_by_request { "" ""; default request; }
  map $request_method $page_bypassed { GET "Subako; fwd=bypass"; HEAD "Subako; fwd=bypass"; default "Subako; fwd=method"; }
  map $request_method $method_override { GET ""; HEAD ""; default $http_x_http_method_override; }
  # Three variants, whatever is sent. The first two are what browsers say.
  map $http_accept_encoding $page_encoding {
    "" identity;
    "gzip, deflate, br, zstd" br;
    "gzip, deflate, br" br;
    br br;
    gzip gzip;
    "~*(?:^|[\\s,])br\\s*(?:;\\s*q=(?:1|0\\.0*[1-9])[\\d.]*\\s*)?(?:,|$)" br;
    "~*(?:^|[\\s,])gzip\\s*(?:;\\s*q=(?:1|0\\.0*[1-9])[\\d.]*\\s*)?(?:,|$)" gzip;
    default identity;
  }${deviceMaps()}
  # All that names a page but for its encoding and device.
  map "" $page_name { default $scheme://$host$port_suffix$page_target; }
  map "" $page_site_file { default ${EDGE_VIEW.hosts}/$route_key/${PAGES_FILE}; }
  # What a page depends on in the key, behind what the site says.
  map "$http_x_subako_device:$upstream_http_vary" $page_vary {
    ":" Accept-Encoding;
    "~*^:.*accept-encoding" $upstream_http_vary;
    "~^:" "$upstream_http_vary, Accept-Encoding";
    "~:$" "User-Agent, Sec-CH-UA-Mobile, Accept-Encoding";
    default "$upstream_http_vary, User-Agent, Sec-CH-UA-Mobile, Accept-Encoding";
  }
  # What a wake took concerns the one who waited for it.
  map $upstream_cache_status $page_timing { HIT ""; STALE ""; UPDATING ""; default $upstream_http_server_timing; }
  map $http_x_subako_scheme $page_https { https on; default ""; }
  proxy_cache_path ${EDGE_VIEW.scratch}/${PAGES_DIR} levels=2 keys_zone=pages:16m max_size=${cacheBytes} inactive=${INACTIVE} use_temp_path=off;
  upstream subako_pages {
    server unix:${EDGE_VIEW.scratch}/${PAGES_SOCKET};
    keepalive 16;
  }
  log_format pages escape=json '{"at":$msec,"host":"$host","role":"$role","status":$status,"seconds":$request_time,"woken":"$wake_origin","page":"$http_x_subako_page","site":"$http_x_subako_site","kept":"$page_keep"}';`;
}

/** All that the inner server gets to know. */
const PASSED_ON = `      proxy_pass_request_headers off;
      proxy_pass_request_body off;
      proxy_set_header Host $host$port_suffix;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header Accept-Encoding $page_encoding;
      proxy_set_header X-Subako-Scheme $scheme;
      proxy_set_header X-Subako-Port $asked_port;
      proxy_set_header X-Subako-Address $remote_addr;
      proxy_set_header X-Subako-Page $page_name$page_device;
      proxy_set_header X-Subako-Device $page_device;
      proxy_set_header X-Subako-Site $page_site;`;

/** For the server that visitors reach, before anything else of the site: what it is set to is looked at when a page is made, not for a hit. */
export function toPages(): string {
  return `    set $page_device "";
    # What the edge asks on behalf of a request, a wake say, passes here too.
    if ($page_by_request = "") { rewrite ^(?!/\\.subako/) /.subako/page last; }`;
}

/** For the same server. @param direct what leads a request to the container, once it has kept to the site's rules */
export function pageLocations(direct: string): string {
  return `
    # What a request that may be answered from the cache meets. Whether there is such a site, and whether it keeps pages, is looked at once in a second, whatever was dropped with one that is gone.
    location = /.subako/page {
      internal;
      # A page stays open from one hit to the next. What is dropped is dropped by the edge itself (dropServer), so nobody gets it from a descriptor; if it ever were not, for a second.
      open_file_cache max=6000 inactive=60s;
      open_file_cache_valid 1s;
      if (!-f ${EDGE_VIEW.hosts}/$route_key/${PAGES_FILE}) { rewrite ^ /.subako/unkept last; }
${answer()}
    }

    # No site, or one that keeps no pages.
    location = /.subako/unkept {
      internal;
${unlessKnown('rewrite ^ /.subako/elsewhere last;')}
${toOwners()}
${answer()}
    }
${deviceLocation()}

    location @asked {
${direct}
      set $script /index.php;
      error_page 502 = @wake;
      include ${EDGE_VIEW.config}/fastcgi.conf;
    }`;
}

/** A kept page, or one from the inner server. */
function answer(): string {
  return `
      # The inner server does not make it for everybody. It says for how long, and that is kept in memory in the page's place: so nobody waits for another's page.
      error_page ${NOT_FOR_ALL} = @asked;
      # The site's pages depend on the device.
      error_page ${DIVIDED} = @device;
      proxy_intercept_errors on;
      proxy_pass http://subako_pages$page_target;
      proxy_http_version 1.1;
      # Nothing that is not in the key reaches the site.
      proxy_method GET;
${PASSED_ON}
      proxy_next_upstream off;
      # The inner server has deadlines of its own, below this.
      proxy_read_timeout 450s;
      proxy_buffer_size 32k;
      proxy_buffers 32 16k;

      proxy_cache pages;
      proxy_cache_key "$page_encoding $page_name$page_device";
      # How long is said by X-Accel-Expires alone, which the inner server sets (page-rules.js).
      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
      proxy_cache_lock on;
      proxy_cache_lock_timeout ${LOCK};
      proxy_cache_lock_age ${LOCK};
      proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
      proxy_cache_background_update on;

      proxy_hide_header X-Subako-At;
      proxy_hide_header Server-Timing;
      add_header Age $page_age always;
      add_header Cache-Status $page_status always;
      add_header Server-Timing $page_timing always;
      # All others are kept with the page.
      ${ALT_SVC}
      # It is compressed already; and one read and one write cost less than sendfile and its corks.
      gzip off;
      sendfile off;
      output_buffers 1 256k;
      max_ranges 0;
      # A fill is told by the inner server; a hit is no use of the site.
      access_log off;`;
}

/** The inner server. @param upstream what leads to the container @param refusals what sets `$past` to seconds where no page may be made for all */
export function pageServer(upstream: string, refusals: string): string {
  return `
  server {
    listen unix:${EDGE_VIEW.scratch}/${PAGES_SOCKET};
    server_name _;
    default_type text/html;
    access_log ${EDGE_VIEW.log}/access.log pages buffer=32k flush=500ms if=$is_dynamic;
    gzip_comp_level 6;
    gzip_vary off;
    brotli on;
    brotli_comp_level 6;
    brotli_min_length 1024;
    brotli_types text/css text/plain text/xml text/javascript application/json application/xml application/rss+xml application/atom+xml application/manifest+json image/svg+xml;
${upstream}
    # Lately it could not be kept.
    set $past $page_passed;
${refusals}
    if ($past) { rewrite ^(?!/\\.subako/) /.subako/past last; }
    location = /.subako/past {
      internal;
      add_header X-Accel-Expires $past always;
      return ${NOT_FOR_ALL};
    }
${dividedPages()}
${wake('page-fastcgi.conf', 'page-headers.conf')}
    location / {
      set $script /index.php;
      error_page 502 = @wake;
      include ${EDGE_VIEW.config}/page-fastcgi.conf;
    }
  }`;
}

/**
 * Where the daemon drops pages. The edge removes the file and knows that it is gone: whoever removed the file alone would leave it shown from
 * descriptors that workers keep open.
 */
export function dropServer(): string {
  return `
  server {
    listen unix:${EDGE_VIEW.scratch}/${DROP_SOCKET};
    access_log off;
    location = / { proxy_cache_purge pages $http_${DROP_HEADER.toLowerCase().replaceAll('-', '_')}; }
  }`;
}

/** What PHP is told when it makes a page to keep: nothing that is not in the key, but for the address of the one who asked first. */
export function renderPageFastcgi(documentRoot: string): string {
  const params = [
    `SCRIPT_FILENAME ${documentRoot}$script`,
    'SCRIPT_NAME $script',
    'DOCUMENT_URI $script',
    `DOCUMENT_ROOT ${documentRoot}`,
    'REQUEST_URI $request_uri',
    'QUERY_STRING $query_string',
    'REQUEST_METHOD GET',
    'SERVER_PROTOCOL HTTP/1.1',
    'REQUEST_SCHEME $http_x_subako_scheme',
    'GATEWAY_INTERFACE CGI/1.1',
    'SERVER_SOFTWARE nginx',
    'SERVER_NAME $host',
    'SERVER_PORT $http_x_subako_port',
    'REMOTE_ADDR $http_x_subako_address',
    'REDIRECT_STATUS 200',
    'HTTP_HOST $http_host',
    'HTTP_ACCEPT "text/html,*/*;q=0.8"',
    'HTTP_USER_AGENT $page_agent',
    // Held back until it is whole: a purge while it is made must be seen before its first byte is sent on (see page-rules.js).
    'SUBAKO_PAGE 1',
  ];
  return `fastcgi_pass unix:${EDGE_VIEW.hosts}/$route_key/$upstream;
fastcgi_pass_request_headers off;
fastcgi_pass_request_body off;
${params.map((param) => `fastcgi_param ${param};`).join('\n')}
fastcgi_param HTTPS $page_https if_not_empty;
fastcgi_hide_header X-Subako-At;
fastcgi_hide_header Vary;
add_header X-Accel-Expires $page_keep always;
add_header X-Subako-At $msec always;
add_header Vary $page_vary always;
${ownStatus()}
include ${EDGE_VIEW.config}/page-headers.conf;
`;
}

/**
 * The outer server must not take what a site says for what the inner one says: it would have the site make the page again. Clients take a status that
 * they do not know for the first of its class (RFC 9110, 15), and nobody knows these.
 */
function ownStatus(): string {
  return `header_filter_by_lua_block { if ngx.status == ${NOT_FOR_ALL} or ngx.status == ${DIVIDED} then ngx.status = 500 end }`;
}
