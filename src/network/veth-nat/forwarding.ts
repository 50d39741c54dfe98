/** The settings of the machine itself that containers with a network need: that it forwards. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devicesWithIpv6 } from './machine6.ts';

const KEYS = { ipv4: 'net/ipv4/ip_forward', ipv6: 'net/ipv6/conf/all/forwarding' } as const;
export type Family = keyof typeof KEYS;

/** Before anything of the machine is changed: remembers in `record` how it was. Whoever finds the record knows that there is something to put back. */
export function remember(record: string, family: Family): void {
  const key = KEYS[family];
  if (readRecord(record).some((line) => line.key === key)) return;
  const wasOff = isOff(key);
  const single = family === 'ipv6' && wasOff ? devicesWithIpv6().map((device) => `net/ipv6/conf/${device}/forwarding`) : [];
  const lines = [line(key, wasOff ? '0' : '1'), ...single.map((one) => line(one, isOff(one) ? '0' : '1'))];
  appendFileSync(record, lines.join(''), { mode: 0o600 });
}

/** Devices that had IPv6 when the machine was no router yet: it is to be none between those. */
export function devicesApart(record: string): string[] {
  return readRecord(record).flatMap(({ key }) => /^net\/ipv6\/conf\/(?!all\/)([^/]+)\/forwarding$/u.exec(key)?.[1] ?? []);
}

export function forward(family: Family): void {
  const key = KEYS[family];
  if (isOff(key)) set(key, '1');
}

/** Switches it off again, if it was us; not while another platform of the machine needs it: then it stays on until the machine's next boot. */
export function putBack(record: string, isNeeded: boolean): void {
  const lines = readRecord(record);
  const main: readonly string[] = Object.values(KEYS);
  const off = lines.filter(({ key, was }) => main.includes(key) && was === '0').map(({ key }) => key);
  if (!isNeeded) for (const key of off) set(key, '0');
  // The switch for all took these along.
  if (!isNeeded && off.includes(KEYS.ipv6)) for (const { key, was } of lines) if (!main.includes(key) && existsSync(pathOf(key))) set(key, was);
  rmSync(record, { force: true });
}

/**
 * Lets the machine's own 127.0.0.1 lead to the container behind this device. Nothing comes the other way: what arrives at a device of ours for an
 * address of loopback is dropped before it is routed (see render-rules.ts).
 */
export function letLoopbackIn(device: string): void {
  writeFileSync(`/proc/sys/net/ipv4/conf/${device}/route_localnet`, '1');
}

function readRecord(record: string): { readonly key: string; readonly was: string }[] {
  const text = existsSync(record) ? readFileSync(record, 'utf8') : '';
  // Older records have dots in it.
  return [...text.matchAll(/^(\S+) was (\d)$/gmu)].map(([, key = '', was = '']) => ({ key: key === 'net.ipv4.ip_forward' ? KEYS.ipv4 : key, was }));
}

function line(key: string, was: string): string {
  return `${key} was ${was}\n`;
}

function isOff(key: string): boolean {
  return readFileSync(pathOf(key), 'utf8').trim() === '0';
}

function set(key: string, value: string): void {
  writeFileSync(pathOf(key), value);
}

function pathOf(key: string): string {
  return `/proc/sys/${key}`;
}
