/**
 * The front on the https port, where names are proven by TLS-ALPN-01. It reads the first message of each handshake and passes the connection on,
 * undecrypted: to the daemon where an authority asks, else to the server of all sites. Without TLS-ALPN-01 there is no front: it costs each https
 * connection a hop.
 */
import { ALPN_PROTOCOL } from '../certificates/acme/tls-alpn-proof.ts';
import { EDGE_VIEW } from './edge-view.ts';
import type { EdgePorts } from './render-nginx.ts';

/** Sockets of the edge's own, below its scratch directory. */
export const HTTPS_SOCKET = 'https.sock';
export const CHALLENGE_SOCKET = 'challenge.sock';
/** Each https connection is three: the visitor's, and both ends of the one to the server of all sites. */
export const CONNECTIONS_BEHIND_FRONT = 3;

/** Beside the `http` block; nothing where it is not wanted. */
export function handshakeFront(ports: EdgePorts): string {
  if (!ports.tlsAlpn) return '';
  return `
stream {
  # Whoever proves a name says this and nothing else.
  map $ssl_preread_alpn_protocols $handshake_for {
    ${ALPN_PROTOCOL} unix:${EDGE_VIEW.scratch}/${CHALLENGE_SOCKET};
    default unix:${EDGE_VIEW.scratch}/${HTTPS_SOCKET};
  }

  server {
${listeners(ports)}
    ssl_preread on;
    preread_timeout 10s;
    proxy_pass $handshake_for;
    # Who it is must be known behind it.
    proxy_protocol on;
    proxy_connect_timeout 2s;
    # The server of all sites has time limits of its own, all below this.
    proxy_timeout 15m;
  }

  # The daemon wants the handshake alone. It listens only while it proves a name; whoever asks at other times is nobody's concern.
  server {
    listen unix:${EDGE_VIEW.scratch}/${CHALLENGE_SOCKET} proxy_protocol;
    error_log stderr alert;
    proxy_pass unix:${EDGE_VIEW.challengeSocket};
    proxy_timeout 10s;
  }
}
`;
}

/** Where the server of all sites listens behind it. A socket whose queue is full refuses at once, as a port does not: so it is longer. */
export function listenerBehindFront(role: string): string {
  return `    listen unix:${EDGE_VIEW.scratch}/${HTTPS_SOCKET} ssl proxy_protocol${role}${role === '' ? '' : ' backlog=4096'};`;
}

/** For the server of all sites: who asks is who the front says, and nobody but the front is believed. */
export function addressBehindFront({ tlsAlpn }: EdgePorts): string {
  if (!tlsAlpn) return '';
  return `
    set_real_ip_from unix:;
    real_ip_header proxy_protocol;`;
}

function listeners({ https, ipv6 }: EdgePorts): string {
  const also = ipv6 ? [`    listen [::]:${https} ipv6only=on backlog=1024;`] : [];
  return [`    listen ${https} backlog=1024;`, ...also].join('\n');
}
