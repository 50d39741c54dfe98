/** The edge's ports: are they free, and if not, who has them. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { SubakoError } from '../domain/errors.ts';
import { writeFileAtomic } from '../lib/files.ts';
import { portOwner } from '../lib/port-owner.ts';
import { platformCgroup, platformPaths } from './paths.ts';

/** @throws SubakoError `port_taken` naming the port, who has it and the option to use */
export async function refuseTakenPorts({ http, https }: Pick<Config, 'http' | 'https'>): Promise<void> {
  if (http === https) throw new SubakoError('bad_usage', `--http and --https are both ${http}`, { hint: 'give two different ports' });
  for (const [option, port] of [
    ['--http', http],
    ['--https', https],
  ] as const) {
    const owner = await portOwner(port, 'tcp');
    if (owner === undefined) continue;
    throw new SubakoError('port_taken', `port ${port} is taken by ${owner.command} (pid ${owner.pid})`, {
      hint: `stop it, or give another port: ${option} ${port < 1024 ? port + 8000 : port + 1}`,
      facts: { port, ...owner },
    });
  }
}

/**
 * Ports for a start that names none: those of the last start, else the configured ones, else 8080 and 8443, else the next pair above.
 * A port that this very platform's edge still holds counts as free: it is taken over.
 */
export async function choosePorts(config: Config): Promise<EdgePair> {
  const last = await readLastPorts(config);
  const others = Array.from({ length: 50 }, (_, index) => ({ http: 8080 + index, https: 8443 + index }));
  for (const pair of [...(last === undefined ? [] : [last]), config, ...others]) {
    if ((await isOpen(pair.http, config)) && (await isOpen(pair.https, config))) return { http: pair.http, https: pair.https };
  }
  throw new SubakoError('port_taken', 'no pair of ports from 8080 and 8443 up is free', { hint: 'give --http PORT and --https PORT' });
}

interface EdgePair {
  readonly http: number;
  readonly https: number;
}

async function isOpen(port: number, config: Config): Promise<boolean> {
  const owner = await portOwner(port, 'tcp');
  if (owner === undefined) return true;
  const cgroups = await readFile(`/proc/${owner.pid}/cgroup`, 'utf8').catch(() => '');
  return cgroups.includes(`${platformCgroup(config.state)}/`);
}

/** Who else has one of these ports, as a clause; undefined when nobody has. */
export async function whoHolds(ports: Config): Promise<string | undefined> {
  for (const port of [ports.http, ports.https]) {
    const owner = await portOwner(port, 'tcp');
    if (owner !== undefined && !(await isOpen(port, ports))) return `port ${port} is taken by ${owner.command} (pid ${owner.pid})`;
  }
  return undefined;
}

export async function rememberPorts(config: Config): Promise<void> {
  await writeFileAtomic(platformPaths(config).ports, JSON.stringify({ http: config.http, https: config.https }), { durable: false });
}

async function readLastPorts(config: Config): Promise<EdgePair | undefined> {
  const text = await readFile(platformPaths(config).ports, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as EdgePair);
}
