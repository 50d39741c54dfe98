import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailDoors } from './mail-doors.ts';
import { PostOffice } from './post-office.ts';

let dir: string;
let doors: MailDoors;
let posted: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-mail-'));
  posted = [];
  const office = new PostOffice({
    send: async ({ sender, message }) => void posted.push(`${sender} ${message.length}`),
    rules: { from: 'any', perHour: 100, maxSize: 200_000 },
    emit: () => undefined,
    now: Date.now,
  });
  doors = new MailDoors({ office, shortDir: join(dir, 'short') });
});

afterEach(async () => {
  for (const instance of ['one', 'two']) doors.close(instance);
  await rm(dir, { recursive: true });
});

const open = (instance: string, site: string): Promise<void> =>
  doors.open({ site, instance, path: join(dir, `${instance}.sock`), owner: process.getuid?.() ?? 0 });

async function say(instance: string, text: string): Promise<string> {
  const socket = connect({ path: join(dir, `${instance}.sock`), allowHalfOpen: true });
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const MAIL = 'To: a@b.c\r\n\r\nhello';

describe('the door for mail', () => {
  it('takes a message as the site it was opened for, and answers', async () => {
    await open('one', 'one.example');
    await open('two', 'two.example');
    expect(await say('one', MAIL)).toBe('ok\n');
    expect(await say('two', MAIL)).toBe('ok\n');
    expect(posted).toEqual(['wordpress@one.example 18', 'wordpress@two.example 18']);
    expect(await readdir(join(dir, 'short'))).toEqual([]);
    expect((await lstat(join(dir, 'one.sock'))).mode & 0o777).toBe(0o600);
  });

  it('says why a message is not taken, however large it is', async () => {
    await open('one', 'one.example');
    expect(await say('one', 'nonsense')).toBe('it has no recipient\n');
    expect(await say('one', `${MAIL}${'x'.repeat(1_000_000)}`)).toBe('it is larger than 200000 bytes\n');
    expect(posted).toEqual([]);
  });

  it('is replaced when it is opened again, as after a restart, and closed for good', async () => {
    await open('one', 'old.example');
    await open('one', 'new.example');
    expect(await say('one', MAIL)).toBe('ok\n');
    expect(posted).toEqual(['wordpress@new.example 18']);
    doors.close('one');
    doors.close('one');
    await expect(say('one', MAIL)).rejects.toThrow();
  });
});
