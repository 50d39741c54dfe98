/** The newcomer's tour: a site is made, goes cold, is visited, and is visited again. */
import type { CreatedSiteReply, SiteReply } from '../api/types.ts';
import type { Config } from '../config/config.ts';
import { fetchWholePage } from '../lib/timed-page.ts';
import type { TimedPage } from '../lib/timed-page.ts';
import type { Transition } from '../lifecycle/lifecycle.ts';
import { sitePath } from './client.ts';
import type { Client } from './client.ts';
import { facts, formatPhases } from './output.ts';

const FIRST_SITE = 'hello.localhost';
const WARM_VISITS = 5;

export interface Story {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export async function tour(client: Client, config: Pick<Config, 'http'>, progress: (text: string) => void): Promise<Story> {
  const { site, admin } = await firstSite(client, progress);
  progress('putting it to sleep');
  await client.post<Transition>(sitePath(site.domain, '/sleep'), { to: 'cold' });
  progress('visiting it');
  const cold = await fetchWholePage(site.domain, config.http);
  const warm = await warmVisit(site.domain, config.http);
  const phases = wakePhases(cold.timing);
  const story = { url: site.url, coldMs: cold.ms, wake: phases, warmMs: warm.ms, bytes: warm.bytes, admin };
  return { facts: story, text: tell(story, site) };
}

async function firstSite(client: Client, progress: (text: string) => void): Promise<{ site: SiteReply; admin?: CreatedSiteReply['admin'] }> {
  const found = (await client.get<SiteReply[]>('/v1/sites')).find((site) => site.domain === FIRST_SITE);
  if (found !== undefined) return { site: found };
  progress(`creating ${FIRST_SITE}`);
  const created = await client.post<CreatedSiteReply>('/v1/sites', { domain: FIRST_SITE, title: 'Hello from Subako' });
  return { site: created, admin: created.admin };
}

/** The middle one of a few: the first warm visit still compiles what only runs once. */
async function warmVisit(host: string, port: number): Promise<TimedPage> {
  const visits: TimedPage[] = [];
  for (let index = 0; index < WARM_VISITS; index += 1) visits.push(await fetchWholePage(host, port));
  const middle = visits.toSorted((a, b) => a.ms - b.ms)[Math.floor(WARM_VISITS / 2)];
  if (middle === undefined) throw new Error('no visit was made');
  return middle;
}

/** The wake's phases from a Server-Timing header. */
export function wakePhases(header: string): Record<string, number> {
  const entries = [...header.matchAll(/wake-([a-z]+);dur=([\d.]+)/gu)].map((match) => [match[1] ?? '', Number(match[2])] as const);
  return Object.fromEntries(entries);
}

function tell(
  story: { url: string; coldMs: number; wake: Record<string, number>; warmMs: number; bytes: number; admin: CreatedSiteReply['admin'] | undefined },
  site: SiteReply,
): string {
  const wakeMs = Object.values(story.wake).reduce((sum, ms) => sum + ms, 0);
  const lines: [string, string][] = [
    ['first page, cold', `${story.coldMs.toFixed(0)} ms`],
    ['  of it the wake', `${wakeMs.toFixed(0)} ms (${formatPhases(story.wake)})`],
    ['  of it the page', `${(story.coldMs - wakeMs).toFixed(0)} ms`],
    ['warm page', `${story.warmMs.toFixed(0)} ms (${(story.coldMs / story.warmMs).toFixed(1)} times quicker), ${story.bytes} bytes`],
    ['site', story.url],
    ['log in', `${story.url}wp-login.php`],
    ...(story.admin === undefined
      ? [['user', 'as when it was created'] as [string, string]]
      : ([
          ['user', story.admin.user],
          ['password', `${story.admin.password}   (shown once)`],
        ] as [string, string][])),
  ];
  return `\n${facts(lines)}\n
Next, in another terminal:
  ./subako ps                                 what is awake
  ./subako sleep ${site.domain} --to cold   put it to sleep; the next visit wakes it
  ./subako site create blog.localhost         another site
  ./subako events -f                          watch wakes and their phases
  ./subako --help
Ctrl-C stops everything.\n`;
}
