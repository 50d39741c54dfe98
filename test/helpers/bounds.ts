/** What bounds a container of a site: its rights, ids and limits, and what is mounted in it. The same for one that was booted and one that was restored. */
import type { TestPlatform } from './platform.ts';

/** @param ofThePlace options of mounts that differ from start to start */
export async function boundsOf(
  platform: TestPlatform,
  site: string,
  ofThePlace: readonly string[] = ['uuid', 'size'],
): Promise<{ readonly facts: string[]; readonly mounts: string[] }> {
  const other = new RegExp(`,?(?:${ofThePlace.join('|')})=[^, ]*`, 'gu');
  const read = async (...files: string[]): Promise<string[]> => (await platform.inside(site, ['cat', ...files])).stdout.split('\n');
  const facts = (await read('/proc/self/status', '/proc/self/uid_map', '/proc/1/limits')).filter((line) => !OF_THE_MOMENT.test(line));
  const mounts = (await read('/proc/self/mounts')).map((line) => line.split(' ').slice(1, 4).join(' ').replace(other, ''));
  return { facts, mounts: mounts.toSorted() };
}

const OF_THE_MOMENT = /^(?:Pid|Tgid|NSpid|NStgid|NSpgid|NSsid|PPid|Vm|Rss|.*ctxt|SigQ|Hugetlb|x86)/u;
