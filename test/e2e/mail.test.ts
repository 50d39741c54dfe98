/** wp_mail() in a real WordPress, with a relay of the test's own, and without one. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { poll } from '../../src/lib/deadline.ts';
import { TestPlatform } from '../helpers/platform.ts';

const SITE = 'post.localhost';
const PASSWORD = 'relay-7hGq2vXw';
const WITHIN = { timeoutMs: 120_000, everyMs: 100 } as const;

interface Received {
  readonly user: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
}

const received: Received[] = [];
const relay = new SMTPServer({
  hideSTARTTLS: true,
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _session, done) => {
    if (username === 'subako' && password === PASSWORD) done(null, { user: username });
    else done(new Error('no'));
  },
  onData: (stream, session, done) => {
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      received.push({
        user: String(session.user),
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        text,
      });
      done(text.includes('not this one') ? new Error('we do not want it') : null);
    });
  },
});
let platform: TestPlatform;

beforeAll(async () => {
  relay.listen(0, '127.0.0.1');
  await once(relay.server, 'listening');
  platform = await TestPlatform.start();
  await platform.createSite(SITE);
});

afterAll(async () => {
  await new Promise<void>((resolve) => relay.close(resolve));
  expect(await platform.stop()).toEqual([]);
});

/** What WordPress itself says to wp_mail(), in the role that owners are in. */
async function wpMail(subject: string): Promise<string> {
  const code = `require '/srv/wordpress/wp-load.php';
    echo json_encode( wp_mail( array( 'ann@example.org', 'bob@example.org' ), $argv[1], 'Grüße', array( 'Bcc: carol@example.org' ) ) );`;
  const result = await platform.cli(['exec', '--role', 'admin', SITE, '--', 'php8.4', '-c', '/etc/subako/php.ini', '-r', code, '--', subject]);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout.trim();
}

async function refusal(why: string): Promise<unknown> {
  return poll(async () => (await platform.events(SITE)).find((event) => event.type === 'mail.refused' && event.cause?.includes(why) === true), WITHIN);
}

describe('mail of a site', () => {
  it('is refused at once where no relay is set; WordPress is told, and an event names the site', async () => {
    expect(await wpMail('nowhere to go')).toBe('false');
    expect(await refusal('no relay is set')).toMatchObject({ site: SITE });
  });

  it('goes through a relay that a new daemon has, with the platform’s sender, without Bcc, and nothing of it stays', async () => {
    const password = join(platform.dir, 'relay.password');
    await writeFile(password, `${PASSWORD}\n`, { mode: 0o600 });
    const { port } = relay.server.address() as AddressInfo;
    const mail = { host: '127.0.0.1', port, user: 'subako', passwordFile: password, tls: 'none', sender: 'bounces@host.example', perHour: 7 };
    await platform.configure({ mail });
    // The container is adopted, and has a door again.
    await platform.killDaemon();
    await platform.up();
    expect(await wpMail('good news')).toBe('true');
    const one = received.find(({ text }) => /^Subject: good news\r$/mu.test(text));
    expect(one).toMatchObject({ user: 'subako', from: 'bounces@host.example', to: ['ann@example.org', 'bob@example.org', 'carol@example.org'] });
    expect(one?.text).toContain(`wordpress@${SITE}`);
    expect(one?.text).not.toContain('carol');
    expect(await platform.grep(PASSWORD)).toEqual([]);
  });

  it('is refused, and WordPress told, when the relay does not take it, or when the site has sent enough', async () => {
    expect(await wpMail('not this one')).toBe('false');
    expect(await refusal('we do not want it')).toMatchObject({ site: SITE });
    expect(await poll(async () => (await wpMail('one too many')) === 'false', WITHIN)).toBe(true);
    expect(await refusal('7 messages')).toMatchObject({ site: SITE });
  });

  it('is not for the public role: it has no door', async () => {
    await platform.wake(SITE);
    const code = "echo json_encode( @stream_socket_client( 'unix:///run/subako/mail.sock' ) );";
    const result = await platform.cli(['exec', '--role', 'public', SITE, '--', 'php8.4', '-n', '-r', code]);
    expect(result.stdout.trim()).toBe('false');
  });
});
