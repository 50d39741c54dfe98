/** Passes the mail of sites to the relay, where sender, size and the allowance of the site are right. */
import type { EventSink } from '../domain/events.ts';
import { Allowance } from './allowance.ts';
import { readEnvelope } from './envelope.ts';

/** Passes one message to the world. @throws when it is not taken */
export type SendMail = (mail: { readonly sender: string; readonly recipients: readonly string[]; readonly message: Buffer }) => Promise<void>;

export interface PostOfficeOptions {
  /** Passes a message to the relay. Undefined: no relay is set, and all mail is refused. */
  readonly send: SendMail | undefined;
  readonly rules: MailRules;
  readonly emit: EventSink;
  readonly now: () => number;
}

export interface MailRules {
  /** The envelope sender of all mail. Undefined: an address of the site's domain. */
  readonly sender?: string | undefined;
  readonly from: 'any' | 'site';
  /** How many messages a site may send in an hour; each recipient counts. */
  readonly perHour: number;
  readonly maxSize: number;
}

const MOST_RECIPIENTS = 50;
/** A site that tries over and over makes no more than one event in this time. */
const TELL_AGAIN_AFTER_MS = 60_000;

export class PostOffice {
  readonly #options: PostOfficeOptions;
  readonly #allowances = new Map<string, Allowance>();
  readonly #told = new Map<string, number>();

  constructor(options: PostOfficeOptions) {
    this.#options = options;
  }

  get maxSize(): number {
    return this.#options.rules.maxSize;
  }

  /**
   * Passes a message on. Returns why it was refused, as a clause; undefined when it is on its way. Never throws.
   *
   * @param size of the whole message, where only its beginning was kept
   */
  async post(site: string, bytes: Buffer, size = bytes.length): Promise<string | undefined> {
    const { emit, rules, send } = this.#options;
    const { from, recipients, message } = readEnvelope(bytes);
    const refusal = send === undefined ? 'no relay is set' : this.#refusal(site, { size, from, recipients });
    if (send === undefined || refusal !== undefined) return this.#refused(site, refusal ?? 'no relay is set');
    try {
      await send({ sender: rules.sender ?? `wordpress@${site}`, recipients, message });
    } catch (error) {
      return this.#refused(site, `the relay did not take it: ${error instanceof Error ? error.message : String(error)}`);
    }
    emit({ type: 'mail.sent', site, facts: { recipients: recipients.length, bytes: bytes.length } });
    return undefined;
  }

  /** Forgets a site that is gone. */
  forget(site: string): void {
    this.#allowances.delete(site);
    for (const key of this.#told.keys()) if (key.startsWith(`${site} `)) this.#told.delete(key);
  }

  #refusal(site: string, mail: { size: number; from: readonly string[]; recipients: readonly string[] }): string | undefined {
    const { rules } = this.#options;
    if (mail.size > rules.maxSize) return `it is larger than ${rules.maxSize} bytes`;
    if (mail.recipients.length === 0) return 'it has no recipient';
    if (mail.recipients.length > MOST_RECIPIENTS) return `it has more than ${MOST_RECIPIENTS} recipients`;
    if (rules.from === 'site' && !mail.from.every((address) => isOf(address, site))) return 'its From is of another domain than the site';
    return this.#allowanceOf(site).take(mail.recipients.length) ? undefined : `the site has sent its ${rules.perHour} messages of this hour`;
  }

  #allowanceOf(site: string): Allowance {
    const allowance = this.#allowances.get(site) ?? new Allowance(this.#options.rules.perHour, this.#options.now);
    this.#allowances.set(site, allowance);
    return allowance;
  }

  #refused(site: string, why: string): string {
    const { emit, now } = this.#options;
    const key = `${site} ${why}`;
    const before = this.#told.get(key);
    if (before !== undefined && now() - before < TELL_AGAIN_AFTER_MS) return why;
    this.#told.set(key, now());
    emit({ type: 'mail.refused', site, cause: why });
    return why;
  }
}

/** `www.example.org` may write as `shop@example.org`. */
function isOf(address: string, site: string): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return domain === site || `www.${domain}` === site;
}
