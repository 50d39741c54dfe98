/** For tests of the page cache: a plugin that shows when a page was made anew, and the site's own PHP to change things with. */
import { expect } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import type { Reply, TestPlatform } from './platform.ts';

/** Each run of PHP for a page gives it another `X-Made`. Options steer it. */
const PLUGIN = `<?php
add_action( 'send_headers', function () {
  header( 'X-Made: ' . bin2hex( random_bytes( 8 ) ) );
  if ( get_option( 'test_max_age' ) ) header( 'Cache-Control: max-age=' . get_option( 'test_max_age' ) );
  if ( get_option( 'test_header' ) ) header( get_option( 'test_header' ), false );
  if ( get_option( 'test_broken' ) ) { http_response_code( 500 ); exit( 'broken' ); }
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

  async plantPlugin(): Promise<void> {
    await this.php('wp_mkdir_p(WP_CONTENT_DIR . "/mu-plugins");');
    await this.#platform.plant(this.#domain, 'mu-plugins/made.php', PLUGIN);
  }

  /** As any visitor; a browser's encodings unless others are given. */
  get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Reply> {
    return this.#platform.fetch(this.#domain, path, { kept: true, method, headers: { 'accept-encoding': 'gzip, deflate, br', ...headers } });
  }

  /** Runs WordPress in the admin container, as a request there would; gives what it printed. */
  async php(code: string): Promise<string> {
    const input = `<?php $_SERVER["REQUEST_METHOD"] = "GET"; $_SERVER["HTTP_HOST"] = "${this.#domain}:${this.#platform.http}"; require "/srv/wordpress/wp-load.php"; ${code}`;
    const result = await this.#platform.cli(['exec', '--role', 'admin', this.#domain, '--', 'php8.4', '-c', '/etc/subako/php.ini'], input);
    expect(result.code, result.stderr + result.stdout).toBe(0);
    return result.stdout;
  }

  /** Asks until the page is kept. Another fill may just be under way, which a purge forbade to keep. */
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
