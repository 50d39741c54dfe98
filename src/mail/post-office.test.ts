import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../domain/events.ts';
import { PostOffice } from './post-office.ts';
import type { MailRules, SendMail } from './post-office.ts';

const RULES: MailRules = { from: 'any', perHour: 3, maxSize: 1_000 };

function office(options: { rules?: Partial<MailRules>; send?: SendMail | undefined } = {}) {
  const sent: { sender: string; recipients: readonly string[] }[] = [];
  const events: NewEvent[] = [];
  const clock = { at: 1_000_000 };
  const send: SendMail = async ({ sender, recipients }) => void sent.push({ sender, recipients });
  const one = new PostOffice({
    send: 'send' in options ? options.send : send,
    rules: { ...RULES, ...options.rules },
    emit: (event) => void events.push(event),
    now: () => clock.at,
  });
  return { one, sent, events, clock };
}

function mail(to = 'ann@example.org', from = 'me@shop.example', body = 'hello'): Buffer {
  return Buffer.from(`To: ${to}\nFrom: ${from}\n\n${body}\n`);
}

describe('the post office', () => {
  it('passes mail on with a sender of the site’s domain, and tells', async () => {
    const { one, sent, events } = office();
    expect(await one.post('shop.example', mail())).toBeUndefined();
    expect(sent).toEqual([{ sender: 'wordpress@shop.example', recipients: ['ann@example.org'] }]);
    expect(events).toMatchObject([{ type: 'mail.sent', site: 'shop.example', facts: { recipients: 1 } }]);
  });

  it('uses the sender that was set', async () => {
    const { one, sent } = office({ rules: { sender: 'bounces@host.example' } });
    await one.post('shop.example', mail());
    expect(sent[0]?.sender).toBe('bounces@host.example');
  });

  it('refuses all without a relay, names the site, and tells no more than once a minute', async () => {
    const { one, events, clock } = office({ send: undefined });
    for (let count = 0; count < 3; count += 1) expect(await one.post('shop.example', mail())).toBe('no relay is set');
    expect(events).toEqual([{ type: 'mail.refused', site: 'shop.example', cause: 'no relay is set' }]);
    clock.at += 60_000;
    await one.post('shop.example', mail());
    expect(events).toHaveLength(2);
  });

  it('counts recipients against what a site may send in an hour, each site for itself', async () => {
    const { one, clock } = office();
    expect(await one.post('a.example', mail('a@b.c, d@e.f'))).toBeUndefined();
    expect(await one.post('a.example', mail('a@b.c, d@e.f'))).toBe('the site has sent its 3 messages of this hour');
    expect(await one.post('a.example', mail())).toBeUndefined();
    expect(await one.post('b.example', mail())).toBeUndefined();
    clock.at += 20 * 60_000;
    expect(await one.post('a.example', mail())).toBeUndefined();
    expect(await one.post('a.example', mail())).toContain('this hour');
  });

  it.each([
    ['is too large', mail('a@b.c', 'a@b.c', 'x'.repeat(1_001)), 'it is larger than 1000 bytes'],
    ['is for nobody', Buffer.from('Subject: x\n\nx'), 'it has no recipient'],
    ['is for a crowd', mail(Array.from({ length: 51 }, (_, index) => `u${index}@b.c`).join(', ')), 'it has more than 50 recipients'],
  ])('refuses mail that %s', async (_, bytes, why) => {
    const { one, sent } = office({ rules: { perHour: 1_000 } });
    expect(await one.post('shop.example', bytes)).toBe(why);
    expect(sent).toEqual([]);
  });

  it('holds From to the site’s domain where that is asked for', async () => {
    const { one } = office({ rules: { from: 'site', perHour: 100 } });
    expect(await one.post('www.shop.example', mail('a@b.c', 'owner@shop.example'))).toBeUndefined();
    expect(await one.post('www.shop.example', mail('a@b.c', 'owner@www.shop.example'))).toBeUndefined();
    expect(await one.post('www.shop.example', mail('a@b.c', 'boss@bank.example'))).toBe('its From is of another domain than the site');
    expect(await one.post('shop.example', mail('a@b.c', 'me@shop.example, boss@bank.example'))).toBe('its From is of another domain than the site');
  });

  it('says what the relay said', async () => {
    const { one, events } = office({ send: () => Promise.reject(new Error('550 no')) });
    expect(await one.post('shop.example', mail())).toBe('the relay did not take it: 550 no');
    expect(events).toMatchObject([{ type: 'mail.refused', site: 'shop.example' }]);
  });
});
