/**
 * The edge's TLS: a certificate by name at each handshake, the protocols, and what a site wants of https. Nothing of a site is in the text:
 * certificates and rules are files that nginx looks at, so that nothing is ever reloaded.
 */
import { HSTS, HTTPS_ONLY } from '../https-files.ts';
import { EDGE_VIEW } from './edge-view.ts';
import { addressBehindFront, listenerBehindFront } from './handshake-front.ts';
import { UNKNOWN_HOST_PAGE } from './pages.ts';
import { REMEMBERED_SECONDS } from './remembered.ts';
import type { EdgePorts } from './render-nginx.ts';

const HTTPS_PORT = 443;
/** Mozilla's guideline 6.0, intermediate. TLS 1.3 has suites of its own. */
const CIPHERS = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].flatMap((cipher) => [`ECDHE-ECDSA-${cipher}`, `ECDHE-RSA-${cipher}`]).join(':');
const CURVES = 'X25519MLKEM768:X25519:prime256v1:secp384r1';
const HOST = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?';

/** The protocols, whoever speaks them. A visitor who comes again need not begin anew; that is kept here, not in tickets, which hang on a key that all sites would share. */
export const TLS_PROTOCOLS = `
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ${CIPHERS};
  ssl_ecdh_curve ${CURVES};
  ssl_prefer_server_ciphers off;
  ssl_session_cache shared:tls:10m;
  ssl_session_timeout 1d;
  ssl_session_tickets off;
  http2 on;`;

/** Where the server speaks HTTP/3. */
export const ALT_SVC = 'add_header Alt-Svc $alt_svc always;';
const ENTRY = `${EDGE_VIEW.hosts}/$route_key`;

/** For the `http` block. */
export function tlsSettings({ https, http3, connectionsPerAddress }: EdgePorts): string {
  return `${TLS_PROTOCOLS}
  http2_max_concurrent_streams 64;${http3 ? '\n  http3_max_concurrent_streams 64;' : ''}

  lua_package_path "${EDGE_VIEW.config}/?.lua;;";
  init_by_lua_block { certificates = require "certificates" }
  # A request for another site than the handshake was for is none of this connection's business.
  map $ssl_server_name $is_misdirected { "" ""; default $is_for_another; }
  map "$ssl_server_name:$host" $is_for_another { "~*^([^:]+):\\1$" ""; default 1; }
  # What a site may have said of this scheme; one look for each request.
  map $https $rule_of_scheme {
    "on" ${HSTS};
    default ${HTTPS_ONLY};
  }
  map $http_x_subako_scheme $page_rule_of_scheme {
    https ${HSTS};
    default ${HTTPS_ONLY};
  }
  map $https $https_suffix {
    default "${https === HTTPS_PORT ? '' : `:${https}`}";
  }
  js_set $hsts_of_site routes.hsts;
  js_set $primary_site routes.primarySite;
  map $https $alt_svc {${http3 ? `\n    "on" 'h3=":${https}"; ma=86400';` : ''}
    default "";
  }
${connectionLimit(connectionsPerAddress)}
${headerValues()}`;
}

/** So many at once from one address; with HTTP/2 and HTTP/3 each request counts. */
function connectionLimit(connections: number): string {
  if (connections === 0) return '';
  return `  # What the edge asks itself is counted once already.
  map $remote_addr $counted_address { "unix:" ""; default $counted_network; }
  limit_conn_zone $counted_address zone=addresses:10m;
  limit_conn addresses ${connections};
  limit_conn_status 429;
  limit_conn_log_level warn;
`;
}

/** What every answer says, unless the site says something of its own. */
function headerValues(): string {
  return `${unlessSaid('x_content_type_options', '$add_nosniff', 'nosniff')}
${unlessSaid('referrer_policy', '$add_referrer_policy', 'strict-origin-when-cross-origin')}
  # WordPress offers its posts for embedding elsewhere, and says so of these answers; no address does, for visitors choose addresses. A site that
  # says who may frame it is believed.
  map "$upstream_http_x_frame_options$upstream_http_content_security_policy $upstream_http_x_wp_embed" $add_frame_options {
    "~^ ." "";
    "~^ " SAMEORIGIN;
    "~^[^ ].*frame-ancestors" "";
    "~*^(?:SAMEORIGIN|DENY|ALLOW)" "";
    default SAMEORIGIN;
  }`;
}

function unlessSaid(header: string, variable: string, value: string): string {
  return `  map $upstream_http_${header} ${variable} {
    "" "${value}";
    default "";
  }`;
}

/** Included wherever a location adds headers of its own, which would else take the place of these. */
export function renderHeaders(): string {
  return `include ${EDGE_VIEW.config}/page-headers.conf;
${ALT_SVC}
`;
}

/** What does not depend on the server: it is kept with a page. */
export function renderPageHeaders(): string {
  return `add_header X-Content-Type-Options $add_nosniff always;
add_header Referrer-Policy $add_referrer_policy always;
add_header X-Frame-Options $add_frame_options always;
add_header Strict-Transport-Security $hsts always;
`;
}

/** The server that a handshake without a name of ours ends at. */
export function refusingServer(ports: EdgePorts): string {
  return `  # No name, or none that could be a site's: no certificate, no answer.
  server {
${listeners(ports, ' default_server')}
    server_name "";
    ssl_reject_handshake on;
    return 421 '${UNKNOWN_HOST_PAGE}';
  }`;
}

/** For the server of all sites: the https side of it. */
export function tlsServer(ports: EdgePorts): string {
  // nginx wants to be told of one. Which it is, for each handshake, the script says.
  const pair = `${EDGE_VIEW.certificates}/$ssl_server_name/pair.pem`;
  return `${listeners(ports, '')}
    server_name _ "~^${HOST}$";
    ssl_certificate ${pair};
    ssl_certificate_key ${pair};
    ssl_certificate_by_lua_block { certificates.present() }${addressBehindFront(ports)}
    include ${EDGE_VIEW.config}/headers.conf;`;
}

function listeners({ https, ipv6, http3, tlsAlpn }: EdgePorts, role: string): string {
  const addresses = ipv6 ? [String(https), `[::]:${https}`] : [String(https)];
  const only = (address: string): string => (role !== '' && address.startsWith('[') ? ' ipv6only=on' : '');
  const tcp = (address: string): string => `    listen ${address} ssl${role}${only(address)}${role === '' ? '' : ' backlog=1024'};`;
  const udp = (address: string): string => `    listen ${address} quic${role}${only(address)}${role === '' ? '' : ' reuseport'};`;
  return [...(tlsAlpn ? [listenerBehindFront(role)] : addresses.map(tcp)), ...(http3 ? addresses.map(udp) : [])].join('\n');
}

/** The first thing that happens to a request: is it a site's at all? @param pages what leads to a kept page before anything of a site is looked at */
export function siteRules(pages: string): string {
  return `    set $hsts "";
    set $site_rule "";
    # What an authority asks is answered before any rule of a site.
    if ($uri ~ "^/\\.well-known/acme-challenge/") { break; }
    default_type text/html;
    if ($is_misdirected) { return 421 '${UNKNOWN_HOST_PAGE}'; }
    # Where a file is looked for, whatever the request is led through first.
    set $asked_file $uri;
${pages}
    # The entry itself may be a link, that of a further name; what is below it is looked at as strictly as ever.
    set $trusted ${ENTRY};
${nameAndHttpsRules()}

    location ^~ /.well-known/acme-challenge/ {
      root ${EDGE_VIEW.config}/acme;
      default_type text/plain;
      try_files $uri =404;
    }

    # Another name of a site, from which visitors are sent on; or no name of a site at all.
    location = /.subako/elsewhere {
      internal;
      if ($primary_site = "") { return 421 '${UNKNOWN_HOST_PAGE}'; }
      if ($request_method !~ "^(?:GET|HEAD)$") { return 308 $primary_site$request_uri; }
      return 301 $primary_site$request_uri;
    }

    location = /.subako/https {
      internal;
      if ($request_method !~ "^(?:GET|HEAD)$") { return 308 https://$host$https_suffix$request_uri; }
      return 301 https://$host$https_suffix$request_uri;
    }`;
}

/** An unknown host wakes nothing and reads nothing; and what the site has said of https. */
export function nameAndHttpsRules(): string {
  return `${unlessKnown('rewrite ^ /.subako/elsewhere last;')}
${httpsRules('$rule_of_scheme', 'rewrite ^ /.subako/https last;')}`;
}

/** The same in the inner server of the page cache: where there is no site, or http shows none of it, no page is made; and one of https is kept with what it says. */
export function nameAndHttpsRulesOfPages(): string {
  return `    set $hsts "";
    set $site_rule "";
${unlessKnown('set $past 1;')}
${httpsRules('$page_rule_of_scheme', `set $past ${REMEMBERED_SECONDS};`)}`;
}

export function unlessKnown(then: string): string {
  return `    if (!-d ${ENTRY}) { ${then} }`;
}

function httpsRules(ofScheme: string, sentOn: string): string {
  return `    if (-e ${ENTRY}/${ofScheme}) { set $site_rule ${ofScheme}; }
    if ($site_rule = ${HTTPS_ONLY}) { ${sentOn} }
    if ($site_rule = ${HSTS}) { set $hsts $hsts_of_site; }`;
}
