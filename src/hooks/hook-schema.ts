/** How hooks are written in the definition file. */
import { z } from 'zod';
import { ROLES } from '../domain/role.ts';
import { DURATION } from '../lib/amounts.ts';
import { FOLLOWED, SIGNALS } from './hook.ts';
import type { Hook, HookFunction } from './hook.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DEADLINE_MS = 10_000;
/** A veto that nobody looks at must not hold memory for weeks. */
const LONGEST_VETO_MS = 7 * 24 * HOUR_MS;
const LONGEST_DEADLINE_MS = 10 * MINUTE_MS;
const MOST_HOOKS = 200;
/** No program can be given a zero byte. */
const WORD = z
  .string()
  .max(4096)
  .regex(/^[^\0]*$/u, 'should hold no zero byte');

const SITE = z.string().regex(/^(?:\*|\*\.[a-z0-9.-]+|[a-z0-9][a-z0-9.-]*)$/u, 'should be a domain, *.example.org or *');
const TICK = DURATION.refine((ms) => ms >= 1_000, 'should be 1s or more');

const COMMON = {
  /** Whose: a domain, `*.example.org`, `*`, or a list of them. Default: every site's. */
  sites: z.union([SITE, z.array(SITE).min(1)]).optional(),
  role: z.enum(ROLES).optional(),
  /** A function, or a command as a list: the program's path, then its arguments. No shell reads it. */
  run: z.union(
    [
      z.custom<HookFunction>((value) => typeof value === 'function'),
      z.tuple([WORD.startsWith('/', 'should begin with the absolute path of a program: no shell reads it')], WORD),
    ],
    {
      error: 'should be a function, or a list that begins with the absolute path of a program',
    },
  ),
  /** How long it may take. Default: 10s. */
  deadline: DURATION.refine((ms) => ms >= 100 && ms <= LONGEST_DEADLINE_MS, 'should be from 100ms to 10m').optional(),
};

const BOOT = z.strictObject({
  on: z.literal('before-boot'),
  ...COMMON,
  /** Whether the start waits for it, and the visitor with it. */
  wait: z.boolean().optional(),
});
const STEP = z.strictObject({
  on: z.enum(['before-freeze', 'before-checkpoint', 'before-stop']),
  ...COMMON,
  /** How long its veto may hold. Default: 1h. */
  vetoAtMost: DURATION.refine((ms) => ms <= LONGEST_VETO_MS, 'should be 7d or less').optional(),
});
const FOLLOWING = z.strictObject({ on: z.enum(FOLLOWED), ...COMMON });
const TIMER = z
  .strictObject({
    on: z.literal('timer'),
    ...COMMON,
    /** Again and again, after so much time. */
    every: TICK.optional(),
    /** Once, after so much time. */
    after: TICK.optional(),
  })
  .refine(({ every, after }) => (every === undefined) !== (after === undefined), { error: 'needs one of every and after', path: ['every'] });
const SIGNAL = z.strictObject({ on: z.literal('signal'), run: COMMON.run, deadline: COMMON.deadline, signal: z.enum(SIGNALS) });
const EVENT = z.strictObject({
  on: z.literal('event'),
  ...COMMON,
  /** Types of events, as `subako events` shows them; `certificate.*` is all that begin so. */
  events: z.array(z.string().regex(/^(?:\*|[a-z]+\.(?:\*|[a-z-]+))$/u, 'should be a type of event, such as instance.died or certificate.*')).min(1),
});

const ONE = z.discriminatedUnion('on', [BOOT, STEP, FOLLOWING, TIMER, SIGNAL, EVENT], { error: 'should be a hook with `on`: docs/hooks.md lists them all' });

export const HOOKS = z
  .array(ONE)
  .max(MOST_HOOKS)
  .default([])
  .transform((hooks) => hooks.map(toHook));

/** What some of them have and others not. */
type More = { readonly [Key in keyof Omit<Hook, 'sites'>]?: Hook[Key] | undefined } & { readonly sites?: string | readonly string[] | undefined };

function toHook(given: z.output<typeof ONE>, index: number): Hook {
  const more: More = given;
  const { sites, role, deadline = DEADLINE_MS, vetoAtMost = HOUR_MS, wait = false, every, after, signal, events } = more;
  return {
    index,
    on: given.on,
    run: given.run,
    sites: typeof sites === 'string' ? [sites] : sites,
    role,
    deadline,
    vetoAtMost,
    wait,
    every,
    after,
    signal,
    events,
  };
}
