/** What owners are told of their WordPress sites. It comes out of a tenant's container, so each answer is looked at before it is believed to be one. */
import { z } from 'zod';
import { printable } from '../lib/printable.ts';

const text = z.string().max(2_000).transform(printable);

const user = z.object({ id: z.number(), user: text, email: text, name: text, roles: z.array(text), registered: text });
export const USER = user;
export const USERS = z.object({ total: z.number(), users: z.array(user) });
export const PLUGIN = z.object({ plugin: text, file: text, name: text, version: text, active: z.boolean() });
export const THEME = z.object({ theme: text, name: text, version: text, parent: text.nullable(), active: z.boolean(), error: text.nullable() });
export const CHECK = z.object({ name: text, state: z.enum(['ok', 'warn', 'fail']), said: text });
export const REPLACED = z.object({
  tables: z.array(z.object({ table: text, rows: z.number(), values: z.number() })),
  rows: z.number(),
  values: z.number(),
  /** Tables that could not be looked at, because nothing tells their rows apart. */
  withoutKey: z.array(text),
  /** Changed tables whose changes could not have been undone. */
  notAtomic: z.array(text),
  /** Objects that were left as they are. */
  objects: z.number(),
  /** Values that begin as serialised ones do and are not whole: left as they are. */
  broken: z.number(),
});
export const UNPACKED = z.object({
  files: z.number(),
  bytes: z.number(),
  leftOut: z.array(z.object({ what: text, count: z.number(), such: z.array(text) })),
});
export const RENEWED = z.object({
  upgradedFrom: z.number().nullable(),
  missingPlugins: z.array(text),
  theme: text,
  themeThere: z.boolean(),
  administrators: z.array(text),
});
export const CRON_RUN = z.object({ ran: z.array(text) });

export type UserReply = z.output<typeof USER>;
export type UsersReply = z.output<typeof USERS>;
export type PluginReply = z.output<typeof PLUGIN>;
export type ThemeReply = z.output<typeof THEME>;
export type CheckReply = z.output<typeof CHECK>;
export type ReplacedReply = z.output<typeof REPLACED>;

export interface UserWithPassword extends UserReply {
  /** Known to nobody else, and not kept. */
  readonly password: string;
}

export interface LoginLinkReply {
  readonly user: string;
  readonly url: string;
  readonly seconds: number;
}

export interface HealthReply {
  readonly ok: boolean;
  readonly checks: readonly CheckReply[];
}
