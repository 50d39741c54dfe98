/** One look at a whole platform after a fault: nothing is left over, every site has the instances it should have, and answers for itself. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { PsRow, StatusReply } from '../../src/api/types.ts';
import { poll } from '../../src/lib/deadline.ts';
import { MEMORY_FILE } from '../../src/runtime/criu/map-memory.ts';
import type { TestPlatform } from '../helpers/platform.ts';
import type { Reply } from '../helpers/reply.ts';

/** Longer than a template takes to be made: until then its containers are there by right. */
const AT_REST_WITHIN_MS = 120_000;
const ANSWER_WITHIN_MS = 120_000;

/** CRIU at its gate (src/runtime/criu/ahead.ts); one that restores is in a cgroup of a container’s. */
const WAITING = 'criu restore --config ';

export interface Expected {
  /** Every site of the platform; each has its domain as its title. */
  readonly sites: readonly string[];
  /** How many instances one may have. */
  readonly instances?: number;
}

/** All that is wrong with the platform once it has come to rest, before and after each site was asked for its page. An empty list is what tests want. */
export async function wrongs(platform: TestPlatform, expected: Expected): Promise<string[]> {
  const before = await leftoversAtRest(platform, expected);
  const answers = await Promise.all(expected.sites.map((site) => wrongAnswer(platform, site)));
  return [...before, ...answers.flat(), ...(await leftoversAtRest(platform, expected))];
}

/** What is there and should not be, or is not and should, once nothing changes any more. */
export async function leftoversAtRest(platform: TestPlatform, expected: Expected): Promise<string[]> {
  let found: string[] = [];
  const look = async (): Promise<boolean> => {
    found = await leftovers(platform, expected);
    return found.length === 0;
  };
  await poll(look, { timeoutMs: AT_REST_WITHIN_MS, everyMs: 100 });
  return found;
}

/** Undefined when the answer is a right one: the site's own page, or 503 and when to come again. */
export function wrongOf(site: string, reply: Reply): string | undefined {
  if (reply.status === 200 && reply.text.includes(`<title>${site}</title>`)) return undefined;
  if (reply.status === 503 && Number(reply.headers['retry-after']) > 0) return undefined;
  return `${site} answered ${reply.status}: ${reply.text.slice(0, 200)}`;
}

/** The site's page at last, and no wrong answer until then. */
async function wrongAnswer(platform: TestPlatform, site: string): Promise<string[]> {
  const wrong: string[] = [];
  const good = await poll(
    async () => {
      const reply = await platform.fetch(site, '/').catch((error: unknown) => String(error));
      const why = typeof reply === 'string' ? `${site}: ${reply}` : wrongOf(site, reply);
      if (why !== undefined) wrong.push(why);
      return typeof reply !== 'string' && reply.status === 200;
    },
    { timeoutMs: ANSWER_WITHIN_MS, everyMs: 250 },
  );
  return good === true ? wrong : [...wrong, `${site} does not come back`];
}

async function leftovers(platform: TestPlatform, { sites, instances = 1 }: Expected): Promise<string[]> {
  const rows = await platform.api.get<PsRow[]>('/v1/ps');
  const missing = sites.filter((site) => !rows.some((row) => row.site === site)).map((site) => `${site} is gone`);
  const strange = rows.filter((row) => !sites.includes(row.site)).map((row) => `${row.site} should not be there`);
  const many = rows.filter((row) => row.instances > instances).map((row) => `${row.site} has ${row.instances} instances`);
  const parts = await Promise.all([containers(platform, rows), files(platform, rows), routes(platform, rows), kernel(platform)]);
  return [...missing, ...strange, ...many, ...parts.flat()];
}

/** Each place that knows containers knows the same ones, and none that belongs to nobody. */
async function containers(platform: TestPlatform, rows: readonly PsRow[]): Promise<string[]> {
  const groups = (await platform.cgroups()).map((line) => line.replace('cgroup ', ''));
  const places = { cgroup: groups, bundle: await names(platform.run, 'runtime/bundles/crun'), crun: await names(platform.run, 'runtime/crun') };
  const wrong: string[] = [];
  for (const [place, found] of Object.entries(places)) {
    const strangers = found.filter((name) => !/^(?:service-|\.)/u.test(name) && !rows.some((row) => name.startsWith(prefixOf(row))));
    wrong.push(...strangers.map((name) => `${place} of nobody: ${name}`));
    for (const row of rows)
      wrong.push(
        ...miscounted(
          place,
          row,
          found.filter((name) => name.startsWith(prefixOf(row))),
        ),
      );
  }
  const views = (await names(platform.state, 'views')).filter((name) => !groups.includes(name));
  wrong.push(...views.map((name) => `view of nobody: ${name}`));
  for (const row of rows) {
    const running = groups.filter((name) => name.startsWith(`${row.id}-`)).toSorted();
    const place = join(platform.run, 'sites', row.id);
    const found = (await names(place)).toSorted();
    if (found.join() !== running.join()) wrong.push(`${place} has ${found.join() || 'nothing'}, but there runs ${running.join() || 'nothing'}`);
    // A public role of WordPress has nothing on disk.
    const scratch = (await names(join(platform.state, 'sites', row.id, 'scratch'))).filter((name) => !running.includes(name));
    wrong.push(...scratch.map((name) => `scratch of nobody: ${name}`));
  }
  return wrong;
}

/** How ids of its instances begin. */
function prefixOf({ id, role }: PsRow): string {
  return `${id}-${role}-`;
}

function miscounted(place: string, row: PsRow, found: readonly string[]): string[] {
  return found.length === row.instances ? [] : [`${row.site} has ${row.instances} instances, and in ${place} ${found.length}`];
}

async function files({ state, run }: TestPlatform, rows: readonly PsRow[]): Promise<string[]> {
  const ids = new Set(rows.map((row) => row.id));
  const strangers = (dir: string) => async (): Promise<string[]> => (await names(dir)).filter((name) => !ids.has(name)).map((name) => `${dir}/${name}`);
  const looks = [
    strangers(join(state, 'sites')),
    strangers(join(run, 'sites')),
    strangers(join(state, 'template-work', 'sites')),
    async () => viewsWithMore(state),
    async () => (await names(run, 'ask')).map((name) => `link to ask ${name}`),
    async () => (await names(state, 'templates')).filter((name) => name.startsWith('.draft-')),
    async () => (await Promise.all(rows.map((row) => names(state, 'sites', row.id)))).flat().filter((name) => name.startsWith('.checkpoint-')),
  ];
  return (await Promise.all(looks.map((look) => look()))).flat();
}

/** A container that was restored keeps the memory it maps, and nothing else of its view. */
async function viewsWithMore(state: string): Promise<string[]> {
  const views = await names(state, 'views');
  const found = await Promise.all(views.map((view) => names(state, 'views', view)));
  return found
    .flat()
    .filter((name) => name !== MEMORY_FILE)
    .map((name) => `${name} in a view`);
}

/** A frozen or sleeping site has no upstream, or a request would hang; a running one has. */
async function routes({ run }: TestPlatform, rows: readonly PsRow[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const row of rows) {
    const found = await names(run, 'hosts', row.site);
    const upstreams = found.filter((name) => name.startsWith(`${row.role}.`));
    wrong.push(...found.filter((name) => name.includes('~')).map((name) => `draft of a route: ${name}`));
    if (row.state === 'running' && !upstreams.includes(`${row.role}.sock`)) wrong.push(`${row.site} runs and has no route`);
    if (row.state === 'running' && row.instances === 1 && upstreams.length > 1) wrong.push(`${row.site} has routes for several`);
    if (row.state !== 'running' && upstreams.length > 0) wrong.push(`${row.site} is ${row.state} and has ${upstreams.join()}`);
  }
  const hosts = (await names(run, 'hosts')).filter((name) => !rows.some((row) => row.site === name));
  return [...wrong, ...hosts.map((name) => `route of nobody: ${name}`)];
}

/** Mounts on the host, processes, and network namespaces that something holds. */
async function kernel(platform: TestPlatform): Promise<string[]> {
  const { pid } = await platform.api.get<StatusReply>('/v1/status');
  const mounts = (await platform.mounts()).filter(
    (line) => !line.includes(`${platform.run}/roots/`) && !line.includes(` ${platform.state} `) && !line.includes(` ${platform.run} `),
  );
  const roots = (await platform.mounts()).filter((line) => line.includes(`${platform.run}/roots/`));
  // The daemon, and what it keeps waiting for the next restore.
  const processes = (await platform.processes()).filter((line) => !line.startsWith(`process ${pid}:`) && !line.includes(WAITING));
  const held = (await links(`/proc/${pid}/fd`)).filter((link) => /^(?:net|mnt|user|pid):\[/u.test(link));
  return [
    ...mounts,
    ...(roots.length > 1 ? [`${roots.length} mounts of one image’s root`] : []),
    ...processes,
    ...held.map((link) => `the daemon holds ${link}`),
    ...(await strayProcesses(platform)),
  ];
}

/** Processes that live in a container’s file system of this platform, but in none of its cgroups. */
async function strayProcesses({ dir, cgroup }: TestPlatform): Promise<string[]> {
  const ours = await readlink('/proc/self/ns/mnt');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const space = await readlink(`/proc/${pid}/ns/mnt`).catch(() => ours);
      if (space === ours) return [];
      const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
      const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => `${cgroup}/`);
      if (!mounts.includes(`${dir}/`) || groups.includes(`${cgroup}/`)) return [];
      const name = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [`process ${pid} (${name.replaceAll('\0', ' ')}) is in no cgroup of the platform`];
    }),
  );
  return found.flat();
}

async function links(dir: string): Promise<string[]> {
  return Promise.all((await names(dir)).map((name) => readlink(join(dir, name)).catch(() => '')));
}

function names(...path: string[]): Promise<string[]> {
  return readdir(join(...path)).catch(() => []);
}
