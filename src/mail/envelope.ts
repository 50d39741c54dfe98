/** Reads who a message is from and for, and takes out what its recipients must not see. */
import addressparser from 'nodemailer/lib/addressparser';

export interface Envelope {
  /** Addresses in From. */
  readonly from: readonly string[];
  /** Addresses in To, Cc and Bcc, each once. */
  readonly recipients: readonly string[];
  /** The message without Bcc. */
  readonly message: Buffer;
}

const RECIPIENTS = new Set(['to', 'cc', 'bcc']);

/** Pure. Understands both kinds of line ends. A message without a header has neither sender nor recipients. */
export function readEnvelope(bytes: Buffer): Envelope {
  // Latin-1 keeps every byte as it is.
  const text = bytes.toString('latin1');
  const end = /\r?\n\r?\n/u.exec(text)?.index ?? text.length;
  const fields = text.slice(0, end).split(/\r?\n(?![ \t])/u);
  const named = fields.map((field) => ({ field, name: /^([!-9;-~]+)[ \t]*:/u.exec(field)?.[1]?.toLowerCase() ?? '' }));
  const addresses = (wanted: (name: string) => boolean): string[] => [
    ...new Set(named.filter(({ name }) => wanted(name)).flatMap(({ field }) => addressesIn(field))),
  ];
  const kept = named.filter(({ name }) => name !== 'bcc').map(({ field }) => field);
  return {
    from: addresses((name) => name === 'from'),
    recipients: addresses((name) => RECIPIENTS.has(name)),
    message: Buffer.from(kept.join('\r\n') + text.slice(end), 'latin1'),
  };
}

function addressesIn(field: string): string[] {
  const value = Buffer.from(field.slice(field.indexOf(':') + 1), 'latin1')
    .toString('utf8')
    .replaceAll(/\r?\n/gu, ' ');
  return addressparser(value, { flatten: true })
    .map(({ address }) => address)
    .filter((address) => /^[^\s@<>]+@[^\s@<>]+$/u.test(address));
}
