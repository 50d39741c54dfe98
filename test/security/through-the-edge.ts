/** What a hostile tenant, or a hostile visitor, can make of the edge. Part of isolation.test.ts. */
import { Agent, request } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PsRow } from '../../src/api/types.ts';
import { EVIL, GOOD } from '../helpers/neighbours.ts';
import type { Neighbours } from '../helpers/neighbours.ts';
import { rawStatus } from '../helpers/platform.ts';
import { replyTo } from '../helpers/reply.ts';
import type { Reply } from '../helpers/reply.ts';

const STYLE = '/wp-content/themes/twentytwentyfive/style.css';
const SCRIPT = '/wp-content/plugins/told.php';

interface Told {
  readonly server: Readonly<Record<string, string>>;
  readonly prepend: string;
}

export function throughTheEdge(sites: () => Neighbours): void {
  /** One connection for all of them, as a browser would do it. */
  async function onOneConnection(asked: readonly (readonly [host: string, path: string])[]): Promise<Reply[]> {
    const { http } = sites().platform;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const replies: Reply[] = [];
      for (const [host, path] of asked) {
        const sent = request({ host: '127.0.0.1', port: http, path, headers: { host: `${host}:${http}` }, agent });
        replies.push(await replyTo(sent, { what: path }));
        expect(sent.reusedSocket).toBe(replies.length > 1);
      }
      return replies;
    } finally {
      agent.destroy();
    }
  }

  const plantScript = (): Promise<void> =>
    sites().platform.plantPhp(EVIL, 'told.php', '<?php echo json_encode(["server" => $_SERVER, "prepend" => ini_get("auto_prepend_file")]);');

  it('no symbolic link in a tenant’s content leads out of it', async () => {
    const { platform, good } = sites();
    const other = `/srv/sites/${good.id}/content/themes/twentytwentyfive/style.css`;
    await sites().asTenant(
      `@symlink("${other}", "/srv/wordpress/wp-content/uploads/other.css"); @symlink("/etc/passwd", "/srv/wordpress/wp-content/uploads/passwd.txt"); @symlink("/srv/sites/${good.id}/content", "/srv/wordpress/wp-content/uploads/dir"); @symlink("/srv/subako/${good.domain}/pair.pem", "/srv/wordpress/wp-content/uploads/key.txt"); @symlink("/srv/sites/${good.id}/content/index.php", "/srv/wordpress/wp-content/plugins/linked.php"); echo json_encode(1);`,
      'admin',
    );
    for (const path of ['uploads/other.css', 'uploads/passwd.txt', 'uploads/key.txt', 'uploads/dir/themes/twentytwentyfive/style.css', 'plugins/linked.php']) {
      expect([path, (await platform.fetch(EVIL, `/wp-content/${path}`)).status]).toEqual([path, 404]);
    }
    // The same file, not linked, is served: the refusal is about the link.
    expect((await platform.fetch(GOOD, STYLE)).status).toBe(200);
  });

  it('no uploaded file is run, whatever it is called and wherever it was put', async () => {
    const { platform, evil } = sites();
    const polyglot = 'GIF89a<?php echo "r"."un";';
    for (const name of ['a.php', 'a.PHP', 'a.php.gif/x.php', 'a.gif', 'a.phtml', 'a.phar', 'a.php5']) {
      if (!name.includes('/')) await platform.plant(EVIL, `uploads/${name}`, polyglot);
      for (const path of [name, `${name}/x.php`, `${name}%00.php`, `${name}%0a.php`]) {
        const reply = await platform.fetch(EVIL, `/wp-content/uploads/${path}`);
        expect([path, /\brun\b/u.test(reply.text)]).toEqual([path, false]);
      }
    }
    for (const dir of ['upgrade', 'cache', 'languages']) {
      await mkdir(join(platform.state, 'sites', evil.id, 'content', dir), { recursive: true });
      await platform.plant(EVIL, `${dir}/a.php`, polyglot);
      expect([dir, (await platform.fetch(EVIL, `/wp-content/${dir}/a.php`)).status]).toEqual([dir, 404]);
    }
    // The same bytes are run where programs lie.
    await platform.plantPhp(EVIL, 'a.php', polyglot);
    expect((await platform.fetch(EVIL, '/wp-content/plugins/a.php')).text).toBe('GIF89arun');
  });

  it('PHP runs the script that the edge found, and no other, however it is asked for', async () => {
    const { platform } = sites();
    await plantScript();
    const asked = [
      '/x/../told.php',
      '//told.php',
      '/./told.php',
      '/%74old.php',
      '/told.php/x.php',
      '/told.php/../../../../../../etc/passwd',
      '/told.php%2f..%2f..%2fx',
    ];
    const paths = [
      SCRIPT,
      ...asked.map((path) => `/wp-content/plugins${path}`),
      `http://${EVIL}${SCRIPT}`,
      '/..;/wp-config.php',
      '/wp-content../wp-config.php',
    ];
    for (const path of paths) {
      const { status, text } = await platform.fetch(EVIL, path);
      if (status === 200 && text.startsWith('{'))
        expect([path, (JSON.parse(text) as Told).server]).toMatchObject([path, { SCRIPT_FILENAME: `/srv/wordpress${SCRIPT}`, SCRIPT_NAME: SCRIPT }]);
      else expect([path, /root:x:|<\?php/u.test(text)]).toEqual([path, false]);
      if (path === SCRIPT) expect(status).toBe(200);
    }
  });

  it('PHP is told nothing of a visitor’s but as a header, and nothing that only a proxy could know', async () => {
    const { platform } = sites();
    await plantScript();
    const headers = {
      'PHP-Value': 'auto_prepend_file=/etc/passwd',
      PHP_VALUE: 'auto_prepend_file=/etc/passwd',
      PHP_ADMIN_VALUE: 'auto_prepend_file=/etc/passwd',
      'Script-Filename': '/etc/passwd',
      SCRIPT_FILENAME: '/etc/passwd',
      'Document-Root': '/etc',
      'Remote-Addr': '192.0.2.1',
      X_Forwarded_For: '192.0.2.1',
      X_Real_IP: '192.0.2.1',
      'X-Accel-Redirect': '/etc/passwd',
      Proxy: 'http://192.0.2.1',
      'X-Heard': 'yes',
      connection: 'close, X-Heard',
    };
    const { server, prepend } = JSON.parse((await platform.fetch(EVIL, SCRIPT, { headers })).text) as Told;
    expect(prepend).toBe('');
    expect(server).toMatchObject({ SCRIPT_FILENAME: `/srv/wordpress${SCRIPT}`, DOCUMENT_ROOT: '/srv/wordpress', REMOTE_ADDR: '127.0.0.1' });
    const passed = ['HTTP_PHP_VALUE', 'HTTP_SCRIPT_FILENAME', 'HTTP_DOCUMENT_ROOT', 'HTTP_X_HEARD'];
    expect(passed.filter((name) => !(name in server))).toEqual([]);
    const none = ['PHP_VALUE', 'PHP_ADMIN_VALUE', 'HTTP_PHP_ADMIN_VALUE', 'HTTP_X_FORWARDED_FOR', 'HTTP_X_REAL_IP', 'HTTP_PROXY'];
    expect(none.filter((name) => name in server)).toEqual([]);
  });

  it('no line break in a path reaches PHP, whatever the length of what follows', async () => {
    const { platform } = sites();
    await plantScript();
    for (let length = 1_500; length <= 2_000; length += 50) {
      const reply = await platform.fetch(EVIL, `${SCRIPT}/PHP%0Ais_the_shittiest_lang.php?${'Q'.repeat(length)}`);
      expect([length, reply.status]).toEqual([length, 404]);
    }
    expect((await platform.fetch(EVIL, `${SCRIPT}?${'Q'.repeat(2_000)}`)).status).toBe(200);
    expect(await platform.api.text(`/v1/sites/${EVIL}/logs?role=public&lines=1000`)).not.toContain('SIGSEGV');
  });

  it('no answer of a tenant steers the edge', async () => {
    const { platform } = sites();
    const accel =
      '["X-Accel-Redirect: /.subako/wake", "X-Accel-Buffering: no", "X-Accel-Charset: utf-7", "X-Accel-Limit-Rate: 1", "X-Sendfile: /etc/passwd", "X-Mine: a\\r\\nX-Split: b"]';
    await platform.plantPhp(EVIL, 'accel.php', `<?php foreach (${accel} as $line) @header($line); header("X-Heard: yes"); echo "mine";`);
    const reply = await platform.fetch(EVIL, '/wp-content/plugins/accel.php');
    expect([reply.status, reply.text, reply.headers['x-heard']]).toEqual([200, 'mine', 'yes']);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('x-accel') || name === 'x-split')).toEqual([]);
  });

  it.each([
    ['is longer than it says', 'header("Content-Length: 4");', 'mine'],
    ['says that it comes in chunks', 'header("Transfer-Encoding: chunked");', 'mine0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'],
    ['says nothing of its length', '', 'mine0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'],
  ])('no answer of a tenant that %s becomes that of its neighbour on the same connection', async (_what, header, text) => {
    const { platform } = sites();
    const name = `split-${header.length}.php`;
    await platform.plantPhp(EVIL, name, `<?php ${header} echo "mine0\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\nforged";`);
    const [evil, good] = await onOneConnection([
      [EVIL, `/wp-content/plugins/${name}`],
      [GOOD, STYLE],
    ]);
    expect([evil?.status, evil?.text]).toEqual([200, text]);
    expect([good?.status, good?.headers['content-type'], good?.text.includes('forged')]).toEqual([200, 'text/css', false]);
  });

  it('the internal locations are not to be had', async () => {
    const { platform } = sites();
    for (const path of ['/.subako/wake', '/@wake', '/.subako/', '/.subako/page', '/.subako/unkept', '/.subako/elsewhere'])
      expect((await platform.fetch(GOOD, path)).status).toBe(404);
  });

  it('a request with two hosts, or a name that is none, is refused, and wakes nothing', async () => {
    const { platform } = sites();
    await platform.sleep(GOOD, 'cold');
    const get = (...lines: string[]) => rawStatus(platform.http, `GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`);
    for (const host of ['good.localhost/../evil.localhost', '..', `${GOOD}\u0001`, `${GOOD}\0`, `${GOOD}\0.example`])
      expect([host, await get(`Host: ${host}`)]).toEqual([host, 400]);
    for (const host of [
      `user@${GOOD}`,
      `${GOOD},${EVIL}`,
      `${GOOD} ${EVIL}`,
      'good_localhost',
      '[::1]',
      '127.0.0.1',
      `${'a'.repeat(300)}.localhost`,
      `x.${GOOD}`,
      `${GOOD}x`,
      '*',
    ]) {
      expect([host, await get(`Host: ${host}`)]).toEqual([host, expect.toSatisfy((status) => status === 400 || status === 421)]);
    }
    expect(await get(`Host: ${GOOD}`, `Host: ${EVIL}`)).toBe(400);
    expect(await get()).toBe(400);
    expect(await rawStatus(platform.http, 'GET / HTTP/1.0\r\n\r\n')).toBe(421);
    const states = (await platform.api.get<PsRow[]>('/v1/ps')).filter((row) => row.site === GOOD).map(({ state }) => state);
    expect(states).toEqual(['cold']);
    // Its one right name does.
    expect(await get(`Host: ${GOOD}`, 'Cookie: wordpress_no_cache=1')).toBe(200);
    expect((await platform.row(GOOD)).state).toBe('running');
  });
}
