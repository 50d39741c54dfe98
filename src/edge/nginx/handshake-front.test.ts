import { describe, expect, it } from 'vitest';
import { renderNginx } from './render-nginx.ts';

const SETTINGS = { http: 80, https: 443, ipv6: true, http3: true, connectionsPerAddress: 1024, cacheBytes: 1024 };
const listenersOf = (text: string): string[] => [...text.matchAll(/^ *listen (.+);$/gmu)].map(([, listener = '']) => listener);

describe('the port of https', () => {
  it('is the server’s own where names are proven over http', () => {
    const text = renderNginx({ ...SETTINGS, tlsAlpn: false });
    expect(text).not.toMatch(/^stream|ngx_stream|proxy_protocol on|set_real_ip_from/mu);
    expect(listenersOf(text)).toContain('443 ssl default_server backlog=1024');
    expect(listenersOf(text)).toContain('443 ssl');
  });

  describe('where they are proven by TLS-ALPN-01', () => {
    const text = renderNginx({ ...SETTINGS, tlsAlpn: true });

    it('is the front’s, and the server of all sites listens behind it alone', () => {
      const tcp = listenersOf(text).filter((listener) => !listener.includes('quic'));
      expect(tcp).toEqual([
        '443 backlog=1024',
        '[::]:443 ipv6only=on backlog=1024',
        'unix:/var/lib/edge/challenge.sock proxy_protocol',
        'unix:/var/lib/edge/https.sock ssl proxy_protocol default_server backlog=4096',
        '80 default_server backlog=1024',
        '[::]:80 default_server ipv6only=on backlog=1024',
        'unix:/var/lib/edge/https.sock ssl proxy_protocol',
        'unix:/var/lib/edge/pages.sock',
        'unix:/var/lib/edge/drop.sock',
      ]);
    });

    it('hands to the daemon what asks for a proof and for nothing else', () => {
      expect(/map \$ssl_preread_alpn_protocols \$handshake_for \{([^}]*)\}/u.exec(text)?.[1]?.trim().split(/;\s*/u)).toEqual([
        'acme-tls/1 unix:/var/lib/edge/challenge.sock',
        'default unix:/var/lib/edge/https.sock',
        '',
      ]);
    });

    it('says who the visitor is, and is believed by the server of all sites alone', () => {
      expect(text.match(/proxy_protocol on;/gu)).toHaveLength(1);
      expect(text.match(/set_real_ip_from unix:;\n\s*real_ip_header proxy_protocol;/gu)).toHaveLength(1);
    });

    it('leaves HTTP/3 where it was', () => {
      const udp = (of: string): string[] => listenersOf(of).filter((listener) => listener.includes('quic'));
      expect(udp(text)).toEqual(udp(renderNginx({ ...SETTINGS, tlsAlpn: false })));
      expect(udp(text)).toHaveLength(4);
    });
  });
});
