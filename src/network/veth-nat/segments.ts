/**
 * Networks of one's own: for each that has members a network namespace that holds a bridge and nothing else, with a link to each member. The machine
 * has no device in it, so that neither its addresses nor its firewall nor another network have anything to do with it, by construction.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { asSubakoError, isErrno, SubakoError } from '../../domain/errors.ts';
import { exec, execAny } from '../../lib/exec.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { KeyedLock } from '../../lib/keyed-lock.ts';
import type { Attachment, HostsFile, Member, Place } from '../networks.ts';
import { address6At, addressAt, FIRST_PLACE, LAST_PLACE } from '../subnets.ts';
import { hostsText } from './hosts-text.ts';
import { MemberFiles } from './member-files.ts';
import type { SegmentMember } from './member-files.ts';
import { bridgeBatch, plugBatch, portAt, seatBatch, unplugBatch, unseatBatch } from './segment-batches.ts';

export interface SegmentsOptions {
  /** Program of the toolbox. */
  readonly ip: string;
  /** For namespaces as files, and what is known of them. */
  readonly dir: string;
}

export interface Joining {
  readonly id: string;
  readonly pid: number;
  readonly attachments: readonly Attachment[];
  readonly hosts: HostsFile;
  /** Whether its eth0 is something else. */
  readonly hasLink: boolean;
}

interface Segment {
  /** By container, in the order in which they came. */
  readonly members: Map<string, SegmentMember>;
  /** The place that was given last. */
  last: number;
}

const WITHIN_MS = 30_000;

export class Segments {
  readonly #ip: string;
  readonly #files: MemberFiles;
  readonly #segments = new Map<string, Segment>();
  readonly #locks = new KeyedLock();

  constructor({ ip, dir }: SegmentsOptions) {
    this.#ip = ip;
    this.#files = new MemberFiles(dir);
  }

  has(id: string): boolean {
    return this.#networksOf(id).length > 0;
  }

  members(networkId: string): readonly Member[] {
    return [...(this.#segments.get(networkId)?.members.values() ?? [])].map(asMember);
  }

  placesOf(id: string): readonly Place[] {
    const all = this.#networksOf(id).map((network) => this.#segments.get(network)?.members.get(id));
    return all.filter((member) => member !== undefined).map((member) => ({ ...asMember(member), network: member.attachment.network }));
  }

  /** Skips those that it is in. @throws SubakoError `host_unfit`, `command_failed`; then `leave` takes away what there is */
  async join({ attachments, ...joining }: Joining): Promise<void> {
    for (const attachment of attachments) {
      const { id } = attachment.network;
      await this.#locks.run(id, () => this.#plugIn({ ...joining, attachment }));
      this.#tell([id]);
    }
  }

  /** Of one network, or of all. Idempotent. */
  async leave(id: string, networks: readonly string[] = this.#networksOf(id)): Promise<void> {
    for (const network of networks) {
      const hosts = this.#segments.get(network)?.members.get(id)?.hosts;
      await this.#locks.run(network, () => this.#unplug(network, id));
      this.#tell([network]);
      if (hosts !== undefined) this.#write(id, hosts);
    }
  }

  /** Takes over what an earlier daemon left of these containers, and removes the rest. Returns the ids of those. */
  async sweep(known: ReadonlySet<string>): Promise<string[]> {
    const strangers = new Set<string>();
    for (const network of await this.#files.networks()) {
      const ports = await this.#portsOf(network);
      const members = await this.#files.members(network);
      const isThere = (member: SegmentMember): boolean => member.isSeated && ports.has(portAt(member.place));
      for (const member of members.filter(isThere)) this.#record(network, member);
      for (const { id } of members.filter((one) => !isThere(one))) await this.#files.remove(network, id);
      for (const { id } of members.filter((one) => !known.has(one.id))) {
        await this.#unplug(network, id);
        strangers.add(id);
      }
      if ((this.#segments.get(network)?.members.size ?? 0) === 0) await this.#close(network);
      else await this.#removeStrayPorts(network, ports);
    }
    this.#tell([...this.#segments.keys()]);
    return [...strangers];
  }

  /** Idempotent. */
  async end(): Promise<void> {
    for (const network of await this.#files.networks()) await this.#locks.run(network, () => this.#close(network));
  }

  async #plugIn({ id, pid, attachment, hosts, hasLink }: Omit<Joining, 'attachments'> & { attachment: Attachment }): Promise<void> {
    const { network } = attachment;
    if (this.#segments.get(network.id)?.members.has(id) === true) return;
    const segment = this.#segments.get(network.id) ?? (await this.#open(network.id));
    const member = { id, attachment, hosts, place: placeIn(segment), inside: this.#freeDevice(id, hasLink), isSeated: false };
    await this.#files.write(member);
    this.#record(network.id, member);
    await failpoint('network.recorded');
    const within = ['nsenter', `--net=/proc/${pid}/ns/net`];
    const plug = (): Promise<void> => this.#run(['nsenter', `--net=${this.#files.namespaceOf(network.id)}`], plugBatch(member, { id, pid }));
    // The end of a link that a killed daemon had made may be there still: the kernel takes its time over a namespace that goes.
    await plug().catch(async () => {
      await this.#run(within, unseatBatch(member)).catch(() => undefined);
      await this.#tryInside(network.id, unplugBatch(member.place));
      await plug();
    });
    await failpoint('network.plugged');
    await this.#run(within, seatBatch(member, network));
    await this.#files.write({ ...member, isSeated: true });
  }

  async #unplug(network: string, id: string): Promise<void> {
    const segment = this.#segments.get(network);
    const member = segment?.members.get(id);
    if (segment === undefined || member === undefined) return;
    if (segment.members.size === 1) return this.#close(network);
    // It goes with its container too, but the kernel takes its time over that.
    await this.#tryInside(network, unplugBatch(member.place));
    await failpoint('network.unplugged');
    await this.#files.remove(network, id);
    segment.members.delete(id);
  }

  async #open(network: string): Promise<Segment> {
    try {
      await this.#close(network);
      await this.#files.begin(network);
      await exec(['unshare', `--net=${this.#files.namespaceOf(network)}`, 'true'], { timeoutMs: WITHIN_MS });
      await failpoint('network.opened');
      await this.#run(['nsenter', `--net=${this.#files.namespaceOf(network)}`], bridgeBatch());
    } catch (error) {
      await this.#close(network);
      throw new SubakoError('host_unfit', 'this machine cannot make a network for containers', {
        hint: 'it takes a kernel with network namespaces, veth and bridges; subako doctor tells more',
        facts: { reason: asSubakoError(error).message },
        cause: error,
      });
    }
    const segment: Segment = { members: new Map(), last: FIRST_PLACE - 1 };
    this.#segments.set(network, segment);
    return segment;
  }

  /** All that is plugged in goes with the namespace. Idempotent. */
  async #close(network: string): Promise<void> {
    this.#segments.delete(network);
    await execAny(['umount', '--lazy', '--', this.#files.namespaceOf(network)], { timeoutMs: WITHIN_MS });
    await this.#files.removeAll(network);
  }

  #record(network: string, member: SegmentMember): void {
    const segment = this.#segments.get(network) ?? { members: new Map<string, SegmentMember>(), last: FIRST_PLACE - 1 };
    segment.members.set(member.id, member);
    segment.last = Math.max(segment.last, member.place);
    this.#segments.set(network, segment);
  }

  /** Empty where there is no namespace any more. */
  async #portsOf(network: string): Promise<Set<string>> {
    const argv = ['nsenter', `--net=${this.#files.namespaceOf(network)}`, this.#ip, '-oneline', 'link', 'show', 'type', 'veth'];
    const { stdout } = await execAny(argv, { timeoutMs: WITHIN_MS });
    return new Set([...stdout.matchAll(/^\d+: ([^@:]+)/gmu)].map(([, name = '']) => name));
  }

  async #removeStrayPorts(network: string, ports: ReadonlySet<string>): Promise<void> {
    const known = new Set([...(this.#segments.get(network)?.members.values() ?? [])].map(({ place }) => portAt(place)));
    for (const port of ports) if (!known.has(port)) await this.#tryInside(network, `link delete ${port}\n`);
  }

  #networksOf(id: string): string[] {
    return [...this.#segments].filter(([, { members }]) => members.has(id)).map(([network]) => network);
  }

  #freeDevice(id: string, hasLink: boolean): string {
    const taken = new Set(this.#networksOf(id).map((network) => this.#segments.get(network)?.members.get(id)?.inside));
    let number = hasLink ? 1 : 0;
    while (taken.has(`eth${number}`)) number += 1;
    return `eth${number}`;
  }

  /** Everybody in these networks who is where. */
  #tell(networks: readonly string[]): void {
    const told = new Map(networks.flatMap((network) => [...(this.#segments.get(network)?.members.values() ?? [])].map((member) => [member.id, member.hosts])));
    for (const [id, hosts] of told) this.#write(id, hosts);
  }

  #write(id: string, hosts: HostsFile): void {
    const [first] = this.placesOf(id);
    const neighbours = this.#networksOf(id).flatMap((network) => this.members(network));
    const lines = readQuietly(hosts.own);
    if (lines !== undefined) writeInPlace(hosts.path, hostsText({ lines, hostname: hosts.hostname }, first, neighbours));
  }

  async #run(into: readonly string[], batch: string): Promise<void> {
    const { code, stderr } = await execAny([...into, this.#ip, '-batch', '-'], { input: batch, timeoutMs: WITHIN_MS });
    if (code !== 0) throw new SubakoError('command_failed', `ip did not do what it was told: ${stderr.trim().split('\n')[0] ?? ''}`);
  }

  /** What is gone already is as good. */
  async #tryInside(network: string, batch: string): Promise<void> {
    await this.#run(['nsenter', `--net=${this.#files.namespaceOf(network)}`], batch).catch(() => undefined);
  }
}

/** @throws SubakoError `host_unfit` when there is none */
function placeIn({ members, last }: Segment): number {
  const taken = new Set([...members.values()].map(({ place }) => place));
  const count = LAST_PLACE - FIRST_PLACE + 1;
  for (let tried = 0; tried < count; tried += 1) {
    const place = FIRST_PLACE + ((last + 1 - FIRST_PLACE + tried) % count);
    if (!taken.has(place)) return place;
  }
  throw new SubakoError('host_unfit', `the network is full: ${count} containers are in it`, { hint: 'make another: subako network create' });
}

function asMember({ id, place, attachment: { network, names } }: SegmentMember): Member {
  const { subnet, subnet6 } = network;
  return { id, names, address: addressAt(subnet, place), ...(subnet6 === undefined ? {} : { address6: address6At(subnet6, place) }) };
}

/** Undefined: its container goes, and this went first. */
function readQuietly(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A container has this very file. Whoever reads it meanwhile finds the new text, or the old one's end behind it as empty lines. */
function writeInPlace(path: string, text: string): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return; // its container goes
    throw error;
  }
  try {
    writeSync(fd, text.padEnd(fstatSync(fd).size, '\n'), 0);
    ftruncateSync(fd, Buffer.byteLength(text));
  } finally {
    closeSync(fd);
  }
}
