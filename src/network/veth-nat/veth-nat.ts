/** Driver: a veth pair for each container, routed and translated by the machine, behind one nftables table of the platform's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asSubakoError, SubakoError } from '../../domain/errors.ts';
import { exec, execAny } from '../../lib/exec.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Ipv4Range } from '../../lib/ipv4.ts';
import type { Attachment, HostsFile, Member, Network, Networks, NetworkWish, OpenWish, Place } from '../networks.ts';
import { devicesApart, forward, letLoopbackIn, putBack, remember } from './forwarding.ts';
import { joinBatch, linkBatch, loopback6Batch } from './ip-batches.ts';
import { Leases } from './leases.ts';
import type { Lease } from './leases.ts';
import { readAddresses6 } from './machine6.ts';
import type { NetworkNames } from './names.ts';
import { networksNear } from './refused.ts';
import { OF_ANY_PLATFORM, renderNoRules, renderRules } from './render-rules.ts';
import type { RulesOptions } from './render-rules.ts';
import { Segments } from './segments.ts';
import { untilUp } from './until-up.ts';
import { WaitingIp } from './waiting-ip.ts';

export interface VethNatOptions {
  /** Programs of the toolbox. */
  readonly ip: string;
  readonly nft: string;
  readonly names: NetworkNames;
  readonly range: Ipv4Range;
  /** Four groups of IPv6 addresses for containers. Undefined: they have none. */
  readonly prefix6?: string | undefined;
  /** Whether there is a way out over IPv6: asked until there is one. */
  readonly hasWay6: () => boolean;
  readonly http: number;
  readonly https: number;
  /** User id of the edge. */
  readonly edge: number;
  /** Asked each time a container gets a network: it may change while the platform is up. */
  readonly resolver: () => string | undefined;
  /** A file that remembers what was changed on the machine. */
  readonly record: string;
  /** For networks of one's own, below the run directory. */
  readonly segments: string;
}

interface Begun {
  readonly wish: NetworkWish;
  /** For its link, where it gets one. */
  readonly link?: {
    readonly outside: WaitingIp;
    /** Why the rules are not there. */
    readonly trouble: Promise<unknown>;
  };
}

const WITHIN_MS = 30_000;

export class VethNat implements Networks {
  readonly name = 'veth-nat';
  readonly #options: VethNatOptions;
  readonly #leases: Leases;
  readonly #segments: Segments;
  readonly #begun = new Map<string, Begun>();
  readonly #opened = new Map<string, OpenWish>();
  /** Once links have IPv6, new ones do. */
  #has6 = false;
  /** The rules that the kernel has; nothing of the machine is changed before the first container asks. */
  #rules = '';
  #laying: Promise<void> = Promise.resolve();

  constructor(options: VethNatOptions) {
    this.#options = options;
    this.#leases = new Leases(options);
    this.#segments = new Segments({ ip: options.ip, dir: options.segments });
  }

  begin(id: string, wish: NetworkWish): void {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/u.test(id)) throw new RangeError(`not a container id: ${id}`);
    if (this.#begun.has(id) || this.#leases.of(id) !== undefined || this.#segments.has(id)) return;
    if (wish.link === false) return void this.#begun.set(id, { wish });
    const trouble = this.#layRules().then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#begun.set(id, { wish, link: { trouble, outside: new WaitingIp([this.#options.ip]) } });
  }

  async join(id: string, pid: number): Promise<Network> {
    const begun = this.#begun.get(id);
    if (begun === undefined) throw new TypeError(`no network was begun for ${id}`);
    const { link, wish } = begun;
    try {
      if (link !== undefined) await this.#link({ id, pid, wish, ...link });
      const { networks = [], hosts } = wish;
      if (hosts !== undefined) await this.#segments.join({ id, pid, hosts, attachments: networks, hasLink: link !== undefined });
      this.#begun.delete(id);
      return { address: this.addressOf(id) };
    } catch (error) {
      await this.remove(id);
      throw error;
    }
  }

  async connect(id: string, pid: number, { attachment, hosts }: { attachment: Attachment; hosts: HostsFile }): Promise<void> {
    const wasIn = this.members(attachment.network.id).some((member) => member.id === id);
    try {
      await this.#segments.join({ id, pid, hosts, attachments: [attachment], hasLink: this.addressOf(id) !== undefined });
    } catch (error) {
      if (!wasIn) await this.disconnect(id, attachment.network.id);
      throw error;
    }
  }

  disconnect(id: string, networkId: string): Promise<void> {
    return this.#segments.leave(id, [networkId]);
  }

  members(networkId: string): readonly Member[] {
    return this.#segments.members(networkId);
  }

  placesOf(id: string): readonly Place[] {
    return this.#segments.placesOf(id);
  }

  async #link({ id, pid, wish, outside, trouble }: { id: string; pid: number; wish: NetworkWish } & NonNullable<Begun['link']>): Promise<void> {
    const inside = new WaitingIp(['nsenter', `--net=/proc/${pid}/ns/net`, this.#options.ip]);
    try {
      const why = await trouble;
      if (why !== undefined) throw why;
      const lease = this.#leases.take(id, this.#has6);
      await outside.tell(linkBatch(lease, { ...wish, id, pid }));
      await failpoint('join.linked');
      await inside.tell(joinBatch(lease, wish));
      await untilUp(lease.device);
    } catch (error) {
      inside.dismiss();
      throw error;
    }
  }

  addressOf(id: string): string | undefined {
    return this.#leases.of(id)?.address;
  }

  address6Of(id: string): string | undefined {
    return this.#leases.of(id)?.six?.address;
  }

  async open(id: string, wish: OpenWish): Promise<void> {
    const lease = this.#leases.of(id);
    if (lease === undefined && wish.ports.length > 0) throw new TypeError(`${id} has no network`);
    if (lease === undefined) return;
    if (wish.ports.length > 0) await this.#letLoopbackIn(lease, wish);
    this.#opened.set(id, wish);
    await this.#layRules();
  }

  async #letLoopbackIn({ device, six }: Lease, { ports }: OpenWish): Promise<void> {
    const at6 = ports.find(({ hostAddress }) => hostAddress?.includes(':') === true);
    if (six === undefined && at6 !== undefined) {
      throw new SubakoError('host_unfit', `port ${at6.hostPort} cannot be published at ${at6.hostAddress}: containers have no IPv6`, {
        hint: 'subako doctor tells why',
      });
    }
    letLoopbackIn(device);
    // Refused where a daemon before us did it.
    if (six !== undefined) await execAny([this.#options.ip, '-batch', '-'], { input: loopback6Batch(device), timeoutMs: WITHIN_MS });
  }

  async remove(id: string): Promise<void> {
    this.#begun.get(id)?.link?.outside.dismiss();
    this.#begun.delete(id);
    await this.#segments.leave(id);
    const lease = this.#leases.of(id);
    // Before the address may be another's.
    if (this.#opened.delete(id)) await this.#layRules();
    if (lease !== undefined) await this.#delete(lease);
    this.#leases.free(id);
  }

  async sweep(known: ReadonlySet<string>): Promise<string[]> {
    const found = this.#leases.found();
    const strangers = found.filter(({ id }) => !known.has(id));
    for (const { lease } of strangers) await this.#delete(lease);
    for (const { id, lease } of found) if (known.has(id)) this.#leases.record(id, lease);
    // Their rules may be those of an older Subako, or name ports that are no longer the edge's.
    if (found.length > strangers.length) await this.#layRules();
    return [...new Set([...strangers.map(({ id }) => id), ...(await this.#segments.sweep(known))])];
  }

  async end(): Promise<void> {
    const { nft, names, record } = this.#options;
    for (const id of this.#begun.keys()) await this.remove(id);
    this.#opened.clear();
    await this.#segments.end();
    for (const { id, lease } of this.#leases.found()) {
      await this.#delete(lease);
      this.#leases.free(id);
    }
    // Without a record, no daemon of this platform laid rules.
    if (!existsSync(record)) return;
    await exec([nft, '-f', '-'], { input: renderNoRules(names), timeoutMs: WITHIN_MS });
    this.#rules = '';
    const { stdout } = await execAny([nft, 'list', 'tables', 'inet'], { timeoutMs: WITHIN_MS });
    putBack(record, /^table inet subako_/mu.test(stdout));
  }

  /** One after the other; again when they would be different. */
  #layRules(): Promise<void> {
    this.#laying = this.#laying.catch(() => undefined).then(() => this.#lay());
    return this.#laying;
  }

  async #lay(): Promise<void> {
    const { nft, record, resolver, prefix6, hasWay6, ...rest } = this.#options;
    this.#has6 ||= prefix6 !== undefined && hasWay6();
    const opened = [...this.#opened].map(([id, wish]) => ({ address: this.addressOf(id) ?? '', address6: this.address6Of(id), ...wish }));
    const families = this.#has6 ? (['ipv4', 'ipv6'] as const) : (['ipv4'] as const);
    try {
      for (const family of families) remember(record, family);
      const rules = renderRules({ ...rest, resolver: resolver(), six: this.#six(), opened });
      if (rules === this.#rules) return;
      await exec([nft, '-f', '-'], { input: rules, timeoutMs: WITHIN_MS });
      for (const family of families) forward(family);
      this.#rules = rules;
    } catch (error) {
      throw new SubakoError('host_unfit', 'this machine cannot give containers a network', {
        hint: 'subako doctor tells what is missing',
        facts: { reason: asSubakoError(error).message },
        cause: error,
      });
    }
  }

  #six(): RulesOptions['six'] {
    const { prefix6, record } = this.#options;
    if (!this.#has6 || prefix6 === undefined) return undefined;
    return { prefix: prefix6, near: networksNear(readAddresses6() ?? '', OF_ANY_PLATFORM), apart: devicesApart(record) };
  }

  /** A device goes with its container too, but the kernel takes its time over that. */
  async #delete({ device }: Lease): Promise<void> {
    if (existsSync(join('/sys/class/net', device))) await execAny([this.#options.ip, 'link', 'delete', device], { timeoutMs: WITHIN_MS });
  }
}
