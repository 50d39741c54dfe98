import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnvelope } from './envelope.ts';

const MESSAGE = `To: "Smith, Ann" <ann@example.org>, bob@example.org
Cc: Bob <bob@example.org>,
 carol@example.org
bcc: secret@example.org,
\thidden@example.org
From: =?utf-8?q?Caf=C3=A9?= <site@shop.example>
Subject: Bcc: nobody@example.org

To: not@example.org
Bcc: kept in the body
`;

describe('the envelope of a message', () => {
  it.each([
    ['LF', MESSAGE],
    ['CRLF', MESSAGE.replaceAll('\n', '\r\n')],
  ])('has every recipient once, and the sender (%s)', (_, text) => {
    const { from, recipients, message } = readEnvelope(Buffer.from(text));
    expect(from).toEqual(['site@shop.example']);
    expect(recipients).toEqual(['ann@example.org', 'bob@example.org', 'carol@example.org', 'secret@example.org', 'hidden@example.org']);
    expect(message.toString()).not.toMatch(/secret|hidden/u);
    expect(message.toString()).toContain('kept in the body');
    expect(message.toString()).toContain('Subject: Bcc: nobody@example.org');
  });

  it('is empty where there is nothing to read', () => {
    for (const text of ['', '\n\nTo: a@b.c\n', 'no header', 'To:\n\n', 'To: undisclosed-recipients:;\n\nx'])
      expect(readEnvelope(Buffer.from(text)).recipients).toEqual([]);
  });

  it('never fails, and gives no address that could be two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const address of readEnvelope(Buffer.from(`To: ${text}\n\nx`)).recipients) expect(address).toMatch(/^[^\s@<>]+@[^\s@<>]+$/u);
      }),
    );
  });

  it('keeps the bytes of the body', () => {
    const body = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0a]);
    expect(readEnvelope(Buffer.concat([Buffer.from('To: a@b.c\r\n\r\n'), body])).message.subarray(-5)).toEqual(body);
  });
});
