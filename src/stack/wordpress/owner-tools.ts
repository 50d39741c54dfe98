/** What is sent into a WordPress site's container to do something there: PHP of our own, and its input as JSON. */
import { readFileSync } from 'node:fs';
import { PHP_CLI } from './recipe.ts';

/** How much of WordPress is loaded first: nothing, its core alone (a broken plugin or theme cannot get in the way), or all of it. */
type Load = 'none' | 'bare' | 'whole';

const LOADS = {
  users: 'bare',
  plugins: 'bare',
  themes: 'bare',
  'login-link': 'bare',
  health: 'bare',
  renew: 'bare',
  cron: 'whole',
  replace: 'none',
  unpack: 'none',
  keep: 'none',
} as const satisfies Record<string, Load>;

export type ToolName = keyof typeof LOADS;

export interface ToolPlace {
  readonly domain: string;
  /** The site's address: what it says of itself. */
  readonly url: string;
  /** Default: what the tool needs at least. */
  readonly load?: Load | undefined;
  /** PHP's memory_limit. */
  readonly memory?: string | undefined;
}

export interface ToolCall {
  readonly argv: readonly string[];
  /** The whole of standard input, but for a file that may follow. */
  readonly stdin: Buffer;
}

/** Reads the first line, then the code. The same for every tool: nothing of a call is in an argument list. */
const BOOT = '$subako=json_decode(fgets(STDIN),true);eval("?>".stream_get_contents(STDIN,$subako["code"]));';
/** coreutils' own: the tool ends in time also when the daemon that started it is gone. */
const TIMEOUT = ['/usr/bin/timeout', '--kill-after=5'];

/** @param mark begins every line that is an answer. `seconds` is how long the tool may take. */
export function wordpressTool(name: ToolName, place: ToolPlace, what: { readonly input: unknown; readonly mark: string; readonly seconds: number }): ToolCall {
  const code = Buffer.from(codeOf(name));
  const input = Buffer.from(JSON.stringify(what.input));
  const { domain, url, load = LOADS[name], memory = '256M' } = place;
  const { host: authority, protocol } = new URL(url);
  const header = JSON.stringify({ code: code.length, input: input.length, mark: what.mark, load, domain, authority, https: protocol === 'https:' });
  return {
    argv: [...TIMEOUT, String(Math.ceil(what.seconds)), ...phpCli(memory), '-r', BOOT],
    stdin: Buffer.concat([Buffer.from(`${header}\n`), code, input]),
  };
}

/** WP-CLI, kept in the container's scratch space by the tool `keep`. */
export function wpCliArgv(phar: string, url: string, args: readonly string[]): readonly string[] {
  return [...phpCli('512M'), phar, '--path=/srv/wordpress', `--url=${url}`, ...args];
}

function phpCli(memory: string): readonly string[] {
  return [PHP_CLI, '-c', '/etc/subako/php.ini', '-d', `memory_limit=${memory}`];
}

const texts = new Map<string, string>();

function codeOf(name: ToolName): string {
  const parts = ['prelude', ...(name === 'replace' ? ['serialized'] : []), name];
  return `<?php\n${parts.map(textOf).join('\n')}`;
}

function textOf(part: string): string {
  const known = texts.get(part);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`tools/${part}.php`, import.meta.url), 'utf8').replace(/^<\?php\n/u, '');
  texts.set(part, text);
  return text;
}
