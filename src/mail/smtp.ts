/** Passes mail to a relay by SMTP. */
import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import type { SendMail } from './post-office.ts';

export interface Relay {
  readonly host: string;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tls: 'starttls' | 'tls' | 'none';
}

const PORTS = { starttls: 587, tls: 465, none: 25 } as const;
const CONNECT_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;

/** The password is read for each message: a new one counts at once. */
export function smtpTo({ host, port, user, passwordFile, tls }: Relay): SendMail {
  return async ({ sender, recipients, message }) => {
    const pass = passwordFile === undefined ? '' : (await readFile(passwordFile, 'utf8')).trim();
    const transport = createTransport({
      host,
      port: port ?? PORTS[tls],
      secure: tls === 'tls',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      ...(user === undefined ? {} : { auth: { user, pass } }),
      connectionTimeout: CONNECT_WITHIN_MS,
      greetingTimeout: CONNECT_WITHIN_MS,
      socketTimeout: ANSWER_WITHIN_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      await transport.sendMail({ envelope: { from: sender, to: [...recipients] }, raw: message });
    } finally {
      transport.close();
    }
  };
}
