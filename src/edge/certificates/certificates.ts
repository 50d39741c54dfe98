/**
 * Keeps a certificate for every name: from our own authority for local names, from a public one over ACME where that is set up, or the owner's own.
 * Renews in time, waits after failures, and never takes away one that still holds.
 */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Certificate, CertificateSource } from '../../domain/certificate.ts';
import { asSubakoError, SubakoError } from '../../domain/errors.ts';
import type { EventSink } from '../../domain/events.ts';
import { isLocalName, isPublicName } from '../../domain/local-name.ts';
import { KeyedLock } from '../../lib/keyed-lock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import type { PublicAuthority } from './acme/acme-authority.ts';
import { checkPair } from './check-pair.ts';
import type { CheckedPair, Pair } from './check-pair.ts';
import type { LocalCa } from './local-ca.ts';
import { renewalTime, retryDelay, timeWithin } from './schedule.ts';
import type { CertificateStore } from './store.ts';
import { keyPem, newKey } from './x509.ts';

/** Where records are kept; the CMDB. */
interface Records {
  certificates(): Promise<Certificate[]>;
  putCertificate(certificate: Certificate): Promise<void>;
  deleteCertificate(name: string): Promise<void>;
}

export interface CertificatesDeps {
  readonly store: CertificateStore;
  readonly ca: LocalCa;
  /** Undefined where ACME is not set up. */
  readonly authority: PublicAuthority | undefined;
  readonly cmdb: Records;
  /** Every name that sites have now. */
  readonly names: () => Promise<readonly string[]>;
  readonly emit: EventSink;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Aborted when the platform ends. */
  readonly stopping: AbortController;
}

const LOOK_EVERY_MS = 30_000;
/** Orders at the same time. */
const MAX_ORDERS = 4;
/** Questions when to renew at the same time. */
const MAX_QUESTIONS = 2;

export class Certificates {
  readonly #deps: CertificatesDeps;
  readonly #known = new Map<string, Certificate>();
  readonly #flights = new SingleFlight<void>();
  readonly #orders = new Semaphore(MAX_ORDERS);
  readonly #questions = new Semaphore(MAX_QUESTIONS);
  readonly #changes = new KeyedLock();
  readonly #askedUntil = new Map<string, number>();
  readonly #stopping: AbortController;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: CertificatesDeps) {
    this.#deps = deps;
    this.#stopping = deps.stopping;
  }

  /** Learns what there is. Before anything else. */
  async load(): Promise<void> {
    await this.#deps.store.prepare();
    for (const certificate of await this.#deps.cmdb.certificates()) this.#known.set(certificate.name, certificate);
  }

  /** Makes certificates and names agree, and keeps them so; returns at once. */
  start(): void {
    void this.#reconcile().then(
      () => this.#look(),
      () => undefined,
    );
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** An order under way is given up, and gone on with after the next start. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#flights.settled();
  }

  /** A site has this name now. A local name has its certificate when this returns; a public one gets it soon. Never throws. */
  async added(name: string): Promise<void> {
    const source = this.#sourceFor(name);
    if (source === undefined || this.#known.has(name)) return;
    try {
      await this.#keep({ name, source, failures: 0 });
      const trying = this.#try(name);
      if (source === 'local') await trying;
    } catch (error) {
      this.#tellFailed(name, asSubakoError(error).message);
    }
  }

  /** No site has this name any more. */
  async removed(name: string): Promise<void> {
    await this.#changes.run(name, async () => {
      this.#known.delete(name);
      this.#askedUntil.delete(name);
      await this.#deps.store.remove(name);
      await this.#deps.cmdb.deleteCertificate(name);
    });
  }

  /** @throws SubakoError `bad_certificate`, `not_found` for a name that no site has; then nothing is changed */
  async setOwn(name: string, pair: Pair): Promise<Certificate> {
    await this.#refuseUnknown(name);
    const checked = checkPair(pair, name, this.#deps.now());
    return this.#changes.run(name, () => this.#use({ name, source: 'own', failures: 0 }, checked));
  }

  /** Takes away the owner's own; the name gets one of ours where that is possible. @throws SubakoError `not_found`, `conflict` */
  async dropOwn(name: string): Promise<void> {
    const known = this.#known.get(name);
    if (known === undefined) throw new SubakoError('not_found', `there is no certificate for ${name}`, { hint: 'subako cert ls shows those there are' });
    if (known.source !== 'own') {
      throw new SubakoError('conflict', `the certificate of ${name} is made and renewed by itself`, { hint: 'a new one right now: subako cert renew' });
    }
    await this.removed(name);
    this.#deps.emit({ type: 'certificate.removed', cause: 'command', facts: { name } });
    await this.added(name);
  }

  /**
   * Asks for a new one now, and returns when it is in use.
   * @throws SubakoError `not_found`, `conflict` for the owner's own, `backing_off` while the authority forbids it, `certificate_failed`
   */
  async renew(name: string): Promise<Certificate> {
    await this.#refuseUnknown(name);
    const { now } = this.#deps;
    const source = this.#known.get(name)?.source ?? this.#sourceFor(name);
    if (source === undefined) throw new SubakoError('conflict', `nobody makes a certificate for ${name}`, { hint: this.#whyNone(name) });
    if (source === 'own') throw new SubakoError('conflict', `the certificate of ${name} is your own`, { hint: 'give the new one: subako cert set' });
    const known = this.#known.get(name) ?? (await this.#keep({ name, source, failures: 0 }));
    if (known.limitedUntil !== undefined && known.limitedUntil > now()) {
      throw new SubakoError('backing_off', `the certificate authority takes no order for ${name} before ${new Date(known.limitedUntil).toISOString()}`, {
        hint: known.lastError ?? 'wait until then',
      });
    }
    await this.#try(name);
    const after = this.#known.get(name);
    if (after !== undefined && after.failures === 0) return after;
    throw new SubakoError('certificate_failed', after?.lastError ?? `${name} is gone`, { hint: 'subako cert ls says when it is tried again' });
  }

  /** Every name that sites have, with what is known of its certificate; undefined where there is none and none is made. */
  async list(): Promise<{ name: string; certificate: Certificate | undefined; why: string }[]> {
    const names = await this.#deps.names();
    return names.map((name) => ({ name, certificate: this.#known.get(name), why: this.#known.has(name) ? '' : this.#whyNone(name) }));
  }

  /** Whether browsers take what is shown for this name without having been told to. An owner's own pair is taken at their word. */
  isBelieved(name: string): boolean {
    const { source, inUse } = this.#known.get(name) ?? {};
    return source !== 'local' && inUse !== undefined && inUse.until > this.#deps.now();
  }

  async #reconcile(): Promise<void> {
    const onDisk = new Set(await this.#deps.store.names());
    const had = [...this.#known.keys(), ...onDisk];
    // Asked last: a name that came meanwhile is no stranger.
    const names = new Set(await this.#deps.names());
    for (const name of had) if (!names.has(name)) await this.removed(name);
    for (const name of names) {
      if (this.#stopping.signal.aborted) return;
      await this.added(name);
      const { inUse: lost, ...rest } = this.#known.get(name) ?? {};
      if (lost !== undefined && !onDisk.has(name) && had.includes(name)) await this.#keep({ name, source: 'local', failures: 0, ...rest });
    }
  }

  #look(): void {
    const now = this.#deps.now();
    for (const known of this.#known.values()) {
      if (known.source === 'own' || this.#flights.has(known.name)) continue;
      if (known.source === 'acme' && known.inUse !== undefined) void this.#askWhen(known.name).catch(() => undefined);
      const due = known.inUse === undefined ? 0 : (known.renewAt ?? 0);
      if (Math.max(due, known.retryAt ?? 0) <= now) void this.#try(known.name).catch(() => undefined);
    }
  }

  /** The authority may want it renewed at another time than we would: sooner, when it was wrongly issued. */
  async #askWhen(name: string): Promise<void> {
    const { authority, store, now, random } = this.#deps;
    const at = now();
    if (authority === undefined || (this.#askedUntil.get(name) ?? 0) > at) return;
    this.#askedUntil.set(name, at + LOOK_EVERY_MS);
    const leaf = await store.leaf(name);
    const window = leaf === undefined ? undefined : await this.#questions.run(() => authority.renewalWindow(leaf));
    if (window === undefined) return;
    this.#askedUntil.set(name, at + window.askAgainMs);
    const known = this.#known.get(name);
    const isInside = known?.renewAt !== undefined && known.renewAt >= window.start && known.renewAt <= window.end;
    if (known !== undefined && !isInside) await this.#keep({ ...known, renewAt: timeWithin(window, at, random()) });
  }

  #try(name: string): Promise<void> {
    return this.#flights.run(name, async () => {
      const known = this.#known.get(name);
      if (known === undefined || this.#stopping.signal.aborted) return;
      try {
        const pair = known.source === 'local' ? this.#deps.ca.issue(name, this.#deps.now()) : await this.#orders.run(() => this.#order(name));
        const checked = checkPair(pair, name, this.#deps.now());
        await this.#changes.run(name, async () => {
          // The name may have gone, or got a pair of its owner's, while the authority took its time.
          if (this.#known.get(name)?.source === known.source) await this.#use({ name, source: known.source, failures: 0 }, checked);
        });
      } catch (error) {
        await this.#failed(name, asSubakoError(error));
      }
    });
  }

  async #order(name: string): Promise<Pair> {
    const { authority, store } = this.#deps;
    if (authority === undefined) throw new SubakoError('certificate_failed', 'ACME is not set up any more', { hint: this.#whyNone(name) });
    const known = this.#known.get(name);
    const key = await this.#nextKey(name);
    const remember = async (order: string): Promise<void> => {
      const current = this.#known.get(name);
      if (current !== undefined) await this.#keep({ ...current, order });
    };
    const chainPem = await authority.obtain({ name, key, order: known?.order, old: await store.leaf(name), remember, signal: this.#stopping.signal });
    return { chainPem, keyPem: keyPem(key) };
  }

  async #nextKey(name: string): Promise<KeyObject> {
    const kept = await this.#deps.store.nextKey(name);
    if (kept !== undefined) return createPrivateKey(kept);
    const key = newKey();
    await this.#deps.store.keepNextKey(name, keyPem(key));
    return key;
  }

  async #use(certificate: Certificate, pair: CheckedPair): Promise<Certificate> {
    const { store, emit, random } = this.#deps;
    const { name, source } = certificate;
    await store.put(name, pair);
    const renewAt = source === 'own' ? {} : { renewAt: renewalTime(pair.facts, random()) };
    const kept = await this.#keep({ ...certificate, inUse: pair.facts, ...renewAt });
    await store.dropNextKey(name);
    emit({ type: 'certificate.issued', cause: source, facts: { name, issuer: pair.facts.issuer, until: new Date(pair.facts.until).toISOString() } });
    return kept;
  }

  async #failed(name: string, error: SubakoError): Promise<void> {
    const { now, random, store } = this.#deps;
    const known = this.#known.get(name);
    if (known === undefined || this.#stopping.signal.aborted) return;
    const { order, limitedUntil: _limit, ...rest } = known;
    // What the authority gave does not fit our key: that order is of no use. Any other is looked at again by the next try.
    const isUseless = error.code === 'bad_certificate';
    if (isUseless) await store.dropNextKey(name);
    const goOn = isUseless || order === undefined ? {} : { order };
    const failures = known.failures + 1;
    const retryAfterMs = Number(error.facts['retryAfterMs'] ?? 0);
    const retryAt = now() + retryDelay(failures, random(), retryAfterMs);
    const limit = retryAfterMs > 0 ? { limitedUntil: now() + retryAfterMs } : {};
    const lastError = error.hint === undefined ? error.message : `${error.message} — ${error.hint}`;
    await this.#keep({ ...rest, failures, lastError, retryAt, ...limit, ...goOn });
    this.#tellFailed(name, lastError, retryAt);
  }

  #tellFailed(name: string, message: string, retryAt?: number): void {
    const when = retryAt === undefined ? {} : { retryAt: new Date(retryAt).toISOString() };
    this.#deps.emit({ type: 'certificate.failed', facts: { name, message: `${name}: ${message}`, ...when } });
  }

  async #keep(certificate: Certificate): Promise<Certificate> {
    this.#known.set(certificate.name, certificate);
    await this.#deps.cmdb.putCertificate(certificate);
    return certificate;
  }

  async #refuseUnknown(name: string): Promise<void> {
    if ((await this.#deps.names()).includes(name)) return;
    throw new SubakoError('not_found', `no site has the name ${name}`, { hint: 'subako domain ls shows the names there are' });
  }

  #sourceFor(name: string): CertificateSource | undefined {
    if (isLocalName(name)) return 'local';
    return this.#deps.authority !== undefined && isPublicName(name) ? 'acme' : undefined;
  }

  #whyNone(name: string): string {
    if (!isPublicName(name)) return 'no public authority knows this name; give a pair of your own with subako cert set';
    return 'ACME is off; set acme in the definition file, or give a pair of your own with subako cert set';
  }
}
