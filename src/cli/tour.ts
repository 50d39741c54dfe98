/** The newcomer's tour: a site is made, put to sleep on every rung of the ladder, and visited from each. */
import type { CreatedSiteReply, SiteReply, StatusReply, TemplateReply } from '../api/types.ts';
import type { Config } from '../config/config.ts';
import type { RestingState } from '../domain/state.ts';
import { poll } from '../lib/deadline.ts';
import { fetchWholePage } from '../lib/timed-page.ts';
import type { TimedPage } from '../lib/timed-page.ts';
import type { Transition } from '../lifecycle/lifecycle.ts';
import { sitePath } from './client.ts';
import type { Client } from './client.ts';
import { facts, formatPhases, table } from './output.ts';

const FIRST_SITE = 'hello.localhost';
const WARM_VISITS = 5;
/** Column of the notes behind commands: beside the longest of them. */
const NOTES_AT = 48;
/** From each rung. */
const VISITS = 3;

export interface Story {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Every rung that a site can rest on, and how long its first page takes from there. */
const RUNGS: readonly RestingState[] = ['frozen', 'checkpointed', 'cold'];
const TEMPLATE_WITHIN_MS = 60_000;

interface Visit {
  readonly from: string;
  readonly ms: number;
  readonly wake: Readonly<Record<string, number>>;
}

export async function tour(client: Client, config: Pick<Config, 'http'>, progress: (text: string) => void): Promise<Story> {
  const { site, admin } = await firstSite(client, progress);
  progress('making the template that cold sites wake from');
  const hasTemplate = await untilTemplate(client);
  const visits: Visit[] = [];
  await fetchWholePage(site.domain, config.http);
  for (const rung of hasTemplate ? RUNGS : (['frozen', 'cold'] as const)) {
    progress(`putting it to sleep and visiting it: ${rung}`);
    const pages: TimedPage[] = [];
    for (let visit = 0; visit < VISITS; visit += 1) {
      await warmVisit(site.domain, config.http);
      await client.post<Transition>(sitePath(site.domain, '/sleep'), { to: rung });
      pages.push(await fetchWholePage(site.domain, config.http));
    }
    const page = middleOf(pages);
    visits.push({ from: rung, ms: page.ms, wake: wakePhases(page.timing) });
  }
  const warm = await warmVisit(site.domain, config.http);
  const story = { url: site.url, visits, warmMs: warm.ms, bytes: warm.bytes, admin };
  return { facts: story, text: tell(story, site) };
}

async function untilTemplate(client: Client): Promise<boolean> {
  const { noCheckpoints } = await client.get<StatusReply>('/v1/status');
  if (noCheckpoints !== null) return false;
  const made = await poll(async () => (await client.get<TemplateReply[]>('/v1/templates')).length > 0, { timeoutMs: TEMPLATE_WITHIN_MS, everyMs: 250 });
  return made === true;
}

async function firstSite(client: Client, progress: (text: string) => void): Promise<{ site: SiteReply; admin?: CreatedSiteReply['admin'] }> {
  const found = (await client.get<SiteReply[]>('/v1/sites')).find((site) => site.domain === FIRST_SITE);
  if (found !== undefined) return { site: found };
  progress(`creating ${FIRST_SITE}`);
  const created = await client.post<CreatedSiteReply>('/v1/sites', { domain: FIRST_SITE, title: 'Hello from Subako' });
  return { site: created, admin: created.admin };
}

async function warmVisit(host: string, port: number): Promise<TimedPage> {
  const visits: TimedPage[] = [];
  for (let index = 0; index < WARM_VISITS; index += 1) visits.push(await fetchWholePage(host, port));
  return middleOf(visits);
}

/** One visit may be slow by chance. */
function middleOf(visits: readonly TimedPage[]): TimedPage {
  const middle = visits.toSorted((a, b) => a.ms - b.ms)[Math.floor(visits.length / 2)];
  if (middle === undefined) throw new Error('no visit was made');
  return middle;
}

/** The wake's phases from a Server-Timing header. */
export function wakePhases(header: string): Record<string, number> {
  const entries = [...header.matchAll(/wake-([a-z-]+);dur=([\d.]+)/gu)].map((match) => [match[1] ?? '', Number(match[2])] as const);
  return Object.fromEntries(entries);
}

interface Told {
  readonly url: string;
  readonly visits: readonly Visit[];
  readonly warmMs: number;
  readonly bytes: number;
  readonly admin: CreatedSiteReply['admin'] | undefined;
}

function tell(story: Told, site: SiteReply): string {
  const rungs = story.visits.map(({ from, ms, wake }) => [
    from,
    `${ms.toFixed(0)} ms`,
    (ms / story.warmMs).toFixed(2),
    wake['listen'] === undefined ? formatPhases(wake) : `booted: ${formatPhases(wake)}`,
  ]);
  const lines: [string, string][] = [
    ['site', story.url],
    ['log in', `${story.url}wp-login.php`],
    ...(story.admin === undefined
      ? [['user', 'as when it was created'] as [string, string]]
      : ([
          ['user', story.admin.user],
          ['password', `${story.admin.password}   (shown once)`],
        ] as [string, string][])),
  ];
  const running = ['running', `${story.warmMs.toFixed(0)} ms`, '1.00', `${story.bytes} bytes`];
  return `\n${table(['FROM', 'FIRST PAGE', 'OVER WARM', 'OF IT THE WAKE (ms)'], [running, ...rungs])}\n\n${facts(lines)}\n
Next, in another terminal:
${typed('ps', 'what is awake')}
${typed(`sleep ${site.domain} --to frozen`, 'put it to sleep; the next visit wakes it')}
${typed('site create blog.localhost', 'another site')}
${typed('events -f', 'watch wakes and their phases')}
  ./subako --help
Ctrl-C stops everything.\n`;
}

function typed(command: string, what: string): string {
  return `  ./subako ${command}`.padEnd(NOTES_AT) + what;
}
