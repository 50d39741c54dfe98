/** What an owner does with a WordPress site that is there: its users, plugins, themes, links to log in, its health, text all over its database. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import { newId, newSecret } from '../domain/ids.ts';
import type { Site } from '../domain/site.ts';
import { wpCliArgv } from '../stack/wordpress/owner-tools.ts';
import type { ToolName } from '../stack/wordpress/owner-tools.ts';
import type { Addresses } from './addresses.ts';
import { forgetMemory } from './forget-memory.ts';
import type { Memory } from './forget-memory.ts';
import { CHECK, PLUGIN, REPLACED, THEME, USER, USERS } from './owner-types.ts';
import type {
  CheckReply,
  HealthReply,
  LoginLinkReply,
  PluginReply,
  ReplacedReply,
  ThemeReply,
  UserReply,
  UsersReply,
  UserWithPassword,
} from './owner-types.ts';
import type { SiteTools, ToolOptions } from './site-tools.ts';

export interface OwnerDeps extends Memory {
  readonly tools: SiteTools;
  readonly addresses: Addresses;
  readonly emit: EventSink;
  /** Where WP-CLI is, unless the command says otherwise. */
  readonly wpCli: string;
}

export interface ZipRequest {
  /** Absolute path on this machine. */
  readonly file: string;
  readonly replace: boolean;
}

export interface ReplaceRequest {
  readonly old: string;
  readonly new: string;
  readonly dryRun: boolean;
  readonly allTables: boolean;
  readonly guids: boolean;
}

type Progress = (text: string) => void;

const LINK_SECONDS = 600;
const SHOWN_USERS = 1_000;
const REPLACE_TIMEOUT_MS = 3 * 3_600_000;
const ZIP_TIMEOUT_MS = 600_000;
const ANSWER = z.array(CHECK);

export class Owner {
  readonly #deps: OwnerDeps;

  constructor(deps: OwnerDeps) {
    this.#deps = deps;
  }

  async users(site: Site): Promise<UsersReply> {
    return USERS.parse(await this.#ask(site, 'users', { action: 'ls', limit: SHOWN_USERS }));
  }

  /** @throws SubakoError `already_exists`, `bad_setting` */
  async createUser(site: Site, request: { user: string; email: string; role: string }): Promise<UserWithPassword> {
    return this.#withPassword(site, { action: 'create', ...request });
  }

  /** Ends the user's sessions too. @throws SubakoError `not_found` */
  async resetPassword(site: Site, user: string): Promise<UserWithPassword> {
    return this.#withPassword(site, { action: 'reset-password', user });
  }

  async plugins(site: Site): Promise<PluginReply[]> {
    return z.array(PLUGIN).parse(await this.#ask(site, 'plugins', { action: 'ls' }));
  }

  async activatePlugin(site: Site, plugin: string): Promise<PluginReply> {
    return PLUGIN.parse(await this.#ask(site, 'plugins', { action: 'activate', plugin }, { load: 'whole' }));
  }

  /** The plugin gets to clean up after itself, unless the site does not even start with it. */
  async deactivatePlugin(site: Site, plugin: string): Promise<PluginReply> {
    const input = { action: 'deactivate', plugin };
    const answer = await this.#ask(site, 'plugins', input, { load: 'whole' }).catch(async (error: unknown) => {
      if (asSubakoError(error).code !== 'command_failed') throw error;
      return this.#ask(site, 'plugins', input);
    });
    return PLUGIN.parse(answer);
  }

  /** @throws SubakoError `conflict` while it is active */
  async removePlugin(site: Site, plugin: string): Promise<PluginReply> {
    return PLUGIN.parse(await this.#ask(site, 'plugins', { action: 'rm', plugin }));
  }

  async installPlugin(site: Site, request: ZipRequest): Promise<PluginReply> {
    return PLUGIN.parse(await this.#install(site, 'plugins', request));
  }

  async themes(site: Site): Promise<ThemeReply[]> {
    return z.array(THEME).parse(await this.#ask(site, 'themes', { action: 'ls' }));
  }

  async activateTheme(site: Site, theme: string): Promise<ThemeReply> {
    const active = THEME.parse(await this.#ask(site, 'themes', { action: 'activate', theme }));
    await this.settle(site);
    return active;
  }

  async installTheme(site: Site, request: ZipRequest): Promise<ThemeReply> {
    return THEME.parse(await this.#install(site, 'themes', request));
  }

  /** For ten minutes, and for once. The site keeps a hash of its secret. @param user default: the first administrator */
  async loginLink(site: Site, user: string | null): Promise<LoginLinkReply> {
    const selector = newId(16);
    const secret = newSecret(32);
    const hash = createHash('sha256').update(secret).digest('hex');
    const answer = await this.#ask(site, 'login-link', { user, selector, hash, seconds: LINK_SECONDS });
    this.#deps.emit({ type: 'site.changed', site: site.domain, cause: 'a link to log in was made' });
    const { user: name } = USER.pick({ user: true }).parse(answer);
    return { user: name, url: `${this.#deps.addresses.urlOf(site)}wp-login.php?subako_login=${selector}.${secret}`, seconds: LINK_SECONDS };
  }

  /** Loads the whole of WordPress once where it may write: what it keeps after a change, the public container could not. */
  async settle(site: Site): Promise<void> {
    await this.#ask(site, 'health', { action: 'start' }, { load: 'whole' }).catch(() => undefined); // health tells why it does not start
  }

  async health(site: Site): Promise<HealthReply> {
    const checks = ANSWER.parse(await this.#ask(site, 'health', { action: 'check' }));
    const start = await this.#ask(site, 'health', { action: 'start' }, { load: 'whole' }).then(
      (): CheckReply => ({ name: 'start', state: 'ok', said: 'WordPress starts with its plugins and its theme' }),
      (error: unknown): CheckReply => ({ name: 'start', state: 'fail', said: asSubakoError(error).message }),
    );
    const all = [start, ...checks];
    return { ok: all.every(({ state }) => state !== 'fail'), checks: all };
  }

  /** Text, wherever it stands in the database. What is in memory of the old text goes: the site sleeps afterwards. */
  async searchReplace(site: Site, request: ReplaceRequest, { progress, signal }: { progress: Progress; signal?: AbortSignal }): Promise<ReplacedReply> {
    if (request.old === '') throw new SubakoError('bad_usage', 'there is nothing to search for', { hint: 'give the text that is to be replaced' });
    return this.#replace(site, { ...request }, { progress, ...(signal === undefined ? {} : { signal }) });
  }

  /** Addresses of the site: below any of these URLs, to the one given. Longer names that begin the same are left alone. */
  replaceUrls(site: Site, urls: { from: readonly string[]; to: string }, options: { progress: Progress; signal?: AbortSignal }): Promise<ReplacedReply> {
    return this.#replace(site, { urls: urls.from, new: urls.to, dryRun: false, allTables: false, guids: false }, options);
  }

  /**
   * The command line that runs WP-CLI inside the site's container.
   * @throws SubakoError `command_missing` with how to add it
   */
  async wpCliArgv(site: Site, args: readonly string[], phar: string | undefined): Promise<readonly string[]> {
    const file = phar ?? this.#deps.wpCli;
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) {
      throw new SubakoError('command_missing', `WP-CLI is not there: ${file} is no file`, {
        hint: `put wp-cli.phar there (from https://wp-cli.org, "Installing"), set "wpCli" in the definition file, or give --phar FILE`,
      });
    }
    const hash = await hashOf(file);
    const name = `wp-cli-${hash.slice(0, 12)}.phar`;
    const look = (await this.#ask(site, 'keep', { action: 'look', name, hash })) as { there?: unknown };
    if (look.there !== true) await this.#ask(site, 'keep', { action: 'put', name, hash }, { file: createReadStream(file) });
    return wpCliArgv(`/tmp/${name}`, this.#deps.addresses.urlOf(site), args);
  }

  async #replace(site: Site, input: unknown, { progress, signal }: { progress: Progress; signal?: AbortSignal }): Promise<ReplacedReply> {
    const onProgress = ({ text }: Readonly<Record<string, unknown>>): void => progress(`looking through ${String(text)}`);
    const replaced = REPLACED.parse(await this.#ask(site, 'replace', input, { timeoutMs: REPLACE_TIMEOUT_MS, onProgress, signal }));
    if (replaced.values > 0 && !(input as { dryRun: boolean }).dryRun) await forgetMemory(this.#deps, site, 'its text was replaced');
    return replaced;
  }

  async #withPassword(site: Site, input: Readonly<Record<string, unknown>>): Promise<UserWithPassword> {
    const password = randomBytes(18).toString('base64url');
    const user: UserReply = USER.parse(await this.#ask(site, 'users', { ...input, password }));
    return { ...user, password };
  }

  async #install(site: Site, tool: 'plugins' | 'themes', { file, replace }: ZipRequest): Promise<unknown> {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) throw new SubakoError('not_found', `${file} is no file`, { hint: 'give the path of a zip file' });
    return this.#ask(site, tool, { action: 'install', replace }, { file: createReadStream(file), timeoutMs: ZIP_TIMEOUT_MS });
  }

  #ask(...[site, tool, input, options = {}]: [Site, ToolName, unknown, Omit<ToolOptions, 'input'>?]): Promise<unknown> {
    return this.#deps.tools.run(site, tool, { input, ...options });
  }
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
