/** What the daemon costs while nothing happens, and for each warm request. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatSize } from '../src/lib/units.ts';
import { TestPlatform } from '../test/helpers/platform.ts';
import { fetchWholePage } from '../src/lib/timed-page.ts';
import { markdownTable, writeSection } from './report.ts';
import { residentBytes } from './stand.ts';

const SITES = 200;
const REST_MS = 60_000;
const REQUESTS = 2_000;

export async function run(sites = SITES): Promise<void> {
  const platform = await TestPlatform.start();
  try {
    const began = performance.now();
    for (let index = 0; index < sites; index += 1) {
      if (index % 20 === 0) console.log(`creating sites: ${index} of ${sites}`);
      await platform.createSite(`rest-${index}.localhost`);
    }
    const createMs = (performance.now() - began) / sites;
    const pid = await platform.daemonPid();
    await sleep(10_000);
    console.log('at rest');
    const rest = await during(pid, () => sleep(REST_MS));
    const memory = await residentBytes(pid);
    await fetchWholePage('rest-0.localhost', platform.http);
    console.log('warm requests');
    const busy = await during(pid, () => requests(platform));
    const perRequest = Math.max(0, busy.cpuMs - (rest.cpuMs * busy.ms) / rest.ms) / REQUESTS;
    const rows = [
      ['resident memory', formatSize(memory)],
      ['CPU at rest', `${((rest.cpuMs / rest.ms) * 100).toFixed(2)} % of a core`],
      ['CPU for one warm request, above rest', `${(perRequest * 1000).toFixed(0)} µs`],
      ['creating a site, whole command', `${createMs.toFixed(0)} ms`],
    ];
    await writeSection(
      'rest',
      `## rest: the daemon with ${sites} sites asleep\n\n${markdownTable(['what', 'figure'], rows)}\n\nAt rest: ${REST_MS / 1000} s without a request. Warm requests: ${REQUESTS} pages of one site, four at a time; what the daemon does for them is read the access log.`,
      { keep: sites >= SITES },
    );
  } finally {
    const left = await platform.stop();
    if (left.length > 0) console.error(left.join('\n'));
  }
}

async function requests(platform: TestPlatform): Promise<void> {
  let left = REQUESTS;
  const visitor = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await fetchWholePage('rest-0.localhost', platform.http);
    }
  };
  await Promise.all(Array.from({ length: 4 }, visitor));
  await sleep(1_500); // the log's buffer is written, and read, a moment later
}

async function during(pid: number, work: () => Promise<void>): Promise<{ cpuMs: number; ms: number }> {
  const [cpu, at] = [await cpuMsOf(pid), performance.now()];
  await work();
  return { cpuMs: (await cpuMsOf(pid)) - cpu, ms: performance.now() - at };
}

async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10; // USER_HZ is 100 on every Linux
}
