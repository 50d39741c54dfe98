/** A browser's part in logging in, without a browser. */
import type { TestPlatform } from './platform.ts';
import type { Reply } from './reply.ts';

export class Visitor {
  readonly #platform: TestPlatform;
  readonly #domain: string;
  readonly #cookies = new Map<string, string>();

  constructor(platform: TestPlatform, domain: string) {
    this.#platform = platform;
    this.#domain = domain;
  }

  async get(path: string): Promise<Reply> {
    return this.#keep(await this.#platform.fetch(this.#domain, path, { headers: this.#headers() }));
  }

  async post(path: string, form: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const headers = { ...this.#headers(), 'content-type': 'application/x-www-form-urlencoded' };
    return this.#keep(await this.#platform.fetch(this.#domain, path, { method: 'POST', headers, body: new URLSearchParams(form).toString() }));
  }

  /** With a password. True when it was right. */
  async logIn(user: string, password: string): Promise<boolean> {
    this.#cookies.set('wordpress_test_cookie', 'WP%20Cookie%20check');
    const reply = await this.post('/wp-login.php', { log: user, pwd: password, testcookie: '1' });
    return reply.status === 302;
  }

  /** What a browser would send. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Is wp-admin open? */
  async isIn(): Promise<boolean> {
    const reply = await this.get('/wp-admin/profile.php');
    return reply.status === 200 && reply.text.includes('id="your-profile"');
  }

  #headers(): Record<string, string> {
    return { cookie: this.cookie };
  }

  #keep(reply: Reply): Reply {
    for (const line of reply.headers['set-cookie'] ?? []) {
      const [pair = ''] = line.split(';');
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return reply;
  }
}
