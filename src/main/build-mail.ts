/** Puts the way of sites' mail together. */
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import { MailDoors } from '../mail/mail-doors.ts';
import { PostOffice } from '../mail/post-office.ts';
import { smtpTo } from '../mail/smtp.ts';
import { platformPaths } from './paths.ts';

/** Without a relay, what is refused for that is all the same. */
const NO_RELAY = { from: 'any', perHour: 1, maxSize: 64 * 1024 } as const;

export function buildMail(config: Config, emit: EventSink): MailDoors {
  const { mail } = config;
  const office = new PostOffice({ send: mail === undefined ? undefined : smtpTo(mail), rules: mail ?? NO_RELAY, emit, now: Date.now });
  return new MailDoors({ office, shortDir: platformPaths(config).ask });
}
