/**
 * A browser on another machine, as a visitor's is, which trusts the platform's own authority as `subako cert ca` tells its owner to do: by the
 * certificate, in the store that Chromium reads. No check of certificates is switched off.
 *
 * Another machine is a network of its own. On Linux, Chromium ends what it asks for (ERR_NETWORK_CHANGED) when an address of its machine comes or
 * goes, and here they do with each container that has a network, also those of other tests.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { poll } from '../../src/lib/deadline.ts';
import { exec } from '../../src/lib/exec.ts';
import type { World } from './world.ts';

export interface ElsewhereOptions {
  /** The program. */
  readonly ip: string;
  readonly world: World;
  /** File of the authority's certificate. */
  readonly authority: string;
  /** Home directory to make for it; removed with the test's. */
  readonly home: string;
}

export async function browserElsewhere({ ip, world, authority, home }: ElsewhereOptions): Promise<Browser> {
  const store = join(home, '.pki/nssdb');
  await mkdir(store, { recursive: true });
  await exec(['certutil', '-d', `sql:${store}`, '-N', '--empty-password']);
  await exec(['certutil', '-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'subako', '-i', authority]);
  // A new device's address of its own comes a second later, when nobody else was found to have it.
  const isSettled = async () => (await exec([...world.inside, ip, '-6', 'address', 'show', 'tentative'])).stdout === '';
  await poll(isSettled, { timeoutMs: 60_000, everyMs: 100 });
  const executablePath = join(home, 'chromium');
  await writeFile(executablePath, `#!/bin/sh\nexec ${world.inside.join(' ')} /usr/bin/chromium "$@"\n`, { mode: 0o755 });
  return chromium.launch({ executablePath, args: flags(world.machine), env: { ...process.env, HOME: home } });
}

function flags(machine: string): string[] {
  return [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic', // for which browsers trust public authorities alone
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // There is nobody else out there: no pictures of users, no greetings of WordPress's maker.
    `--host-resolver-rules=MAP *.localhost ${machine}, MAP * ~NOTFOUND`,
  ];
}
