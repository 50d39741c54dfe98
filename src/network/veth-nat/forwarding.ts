/** The one setting of the machine itself that containers with a network need: that it forwards. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const SWITCH = '/proc/sys/net/ipv4/ip_forward';
const WAS_OFF = 'net.ipv4.ip_forward was 0\n';
const WAS_ON = 'net.ipv4.ip_forward was 1\n';

/** Before anything of the machine is changed: remembers in `record` how it was. Whoever finds the record knows that there is something to put back. */
export function remember(record: string): void {
  if (existsSync(record)) return;
  writeFileSync(record, isOn() ? WAS_ON : WAS_OFF, { mode: 0o600 });
}

export function forward(): void {
  if (!isOn()) writeFileSync(SWITCH, '1');
}

/** Switches it off again, if it was us; not while another platform of the machine needs it: then it stays on until the machine's next boot. */
export function putBack(record: string, isNeeded: boolean): void {
  if (!existsSync(record)) return;
  if (!isNeeded && readFileSync(record, 'utf8') === WAS_OFF) writeFileSync(SWITCH, '0');
  rmSync(record, { force: true });
}

/**
 * Lets the machine's own 127.0.0.1 lead to the container behind this device. Nothing comes the other way: what arrives at a device of ours for an
 * address of loopback is dropped before it is routed (see render-rules.ts).
 */
export function letLoopbackIn(device: string): void {
  writeFileSync(`/proc/sys/net/ipv4/conf/${device}/route_localnet`, '1');
}

function isOn(): boolean {
  return readFileSync(SWITCH, 'utf8').trim() !== '0';
}
