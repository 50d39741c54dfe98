/** For tests of the page cache: a plugin that shows when a page was made anew, and the site's own PHP to change things with. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import type { TestPlatform } from './platform.ts';
import type { Reply } from './reply.ts';

/** Each run of PHP for a page gives it another `X-Made`. Parts of the query and options steer the rest. */
const PLUGIN = `<?php
add_action( 'send_headers', function () {
  header( 'X-Made: ' . bin2hex( random_bytes( 8 ) ) );
  if ( get_option( 'test_max_age' ) ) header( 'Cache-Control: max-age=' . get_option( 'test_max_age' ) );
  if ( isset( $_GET['say'] ) ) header( $_GET['say'], false );
  if ( get_option( 'test_broken' ) && isset( $_GET['broken'] ) ) { status_header( 500 ); exit( 'broken' ); }
  if ( isset( $_GET['echo'] ) ) { echo json_encode( array( 'query' => $_GET, 'server' => $_SERVER ) ); exit; }
} );
`;

export class KeptPages {
  readonly #platform: TestPlatform;
  readonly #domain: string;

  constructor(platform: TestPlatform, domain: string) {
    this.#platform = platform;
    this.#domain = domain;
  }

  /** A file of the site's mu-plugins, and what else its PHP shall do; gives what that printed. */
  plantPlugin(then = '', { name, code } = { name: 'made.php', code: PLUGIN }): Promise<string> {
    const dir = 'WP_CONTENT_DIR . "/mu-plugins"';
    return this.php(`wp_mkdir_p(${dir}); file_put_contents(${dir} . "/${name}", base64_decode("${Buffer.from(code).toString('base64')}")) || exit(1); ${then}`);
  }

  /** As any visitor; a browser's encodings unless others are given. */
  get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Reply> {
    return this.#platform.fetch(this.#domain, path, { kept: true, method, headers: { 'accept-encoding': 'gzip, deflate, br', ...headers } });
  }

  /** Runs WordPress in the admin container, as a request there would; gives what it printed. */
  async php(code: string): Promise<string> {
    const input = `<?php $_SERVER["REQUEST_METHOD"] = "GET"; $_SERVER["HTTP_HOST"] = "${this.#domain}:${this.#platform.http}"; require "/srv/wordpress/wp-load.php"; ${code}`;
    const result = await this.#platform.inside(this.#domain, ['php8.4', '-c', '/etc/subako/php.ini'], { input });
    expect(result.code, result.stderr + result.stdout).toBe(0);
    return result.stdout.trim();
  }

  /** Asks until the page is kept: a purge may just have forbidden it. */
  async untilKept(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    let reply = await this.get(path, headers);
    const found = await poll(
      async () => {
        reply = await this.get(path, headers);
        return isHit(reply);
      },
      { timeoutMs: 120_000, everyMs: 200 },
    );
    expect(found, `${path} is not kept: ${reply.status} ${cacheStatus(reply)}`).toBe(true);
    return reply;
  }
}

export function cacheStatus(reply: Reply): string {
  return String(reply.headers['cache-status']);
}

export function isHit(reply: Reply): boolean {
  return cacheStatus(reply).startsWith('Subako; hit');
}

export function madeOf(reply: Reply): string {
  return String(reply.headers['x-made']);
}

/** What was sent, as a browser reads it. */
export function textOf({ body, headers }: Reply): string {
  const encoding = headers['content-encoding'];
  return (encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body).toString();
}
