/** The one setting of the machine itself that containers with a network need: that it forwards. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const SWITCH = '/proc/sys/net/ipv4/ip_forward';

/** Switches forwarding on where it is off; `record` remembers that, before it is done. */
export function forward(record: string): void {
  if (readFileSync(SWITCH, 'utf8').trim() !== '0') return;
  writeFileSync(record, 'net.ipv4.ip_forward was 0\n', { mode: 0o600 });
  writeFileSync(SWITCH, '1');
}

/** Switches it off again, if it was us; not while another platform of the machine needs it: then it stays on until the machine's next boot. */
export function forwardNoMore(record: string, isNeeded: boolean): void {
  if (!existsSync(record)) return;
  if (!isNeeded) writeFileSync(SWITCH, '0');
  rmSync(record, { force: true });
}
