/** WordPress warm, and nobody's: PHP-FPM with core's front page in its opcache. */
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rangeBase } from '../../domain/uid-range.ts';
import { fastcgiGet, fastcgiGetEach } from '../../lib/fastcgi.ts';
import type { StackContext, TemplateRecipe } from '../stack.ts';
import { WWW_DATA } from './recipe.ts';

const SCRIPTS = '/usr/share/subako';
const REHEARSALS = 2;
const ANSWER_WITHIN_MS = 20_000;

export const wordpressTemplate: TemplateRecipe = {
  async prepareFiles({ site, role, paths }: StackContext): Promise<void> {
    const owner = rangeBase(site.uidRange) + WWW_DATA;
    for (const dir of [paths.content, paths.opcache, paths.configOf(role)]) {
      await mkdir(dir, { recursive: true, mode: 0o755 });
      await chown(dir, owner, owner);
    }
  },

  async warm({ instance }: StackContext, connectable): Promise<{ scripts: number }> {
    await using socket = await connectable(join(instance.sockets, `${instance.id}.warm.sock`));
    const { scripts } = await ask<{ scripts: number }>(socket.path, 'warm.php');
    if (!(scripts > 0)) throw new Error('nothing was compiled');
    return { scripts };
  },

  // Once to load, and once more as a visitor would find it. Over one connection: a second one could be given to another worker, which would be
  // nobody's first and every visitor's next.
  async rehearse({ instance }: StackContext, connectable): Promise<void> {
    await using socket = await connectable(join(instance.sockets, `${instance.id}.sock`));
    const rounds = Array.from({ length: REHEARSALS }, () => paramsOf('rehearse.php'));
    const answers = await fastcgiGetEach(socket.path, rounds, ANSWER_WITHIN_MS);
    if (!answers.every((answer) => (JSON.parse(answer) as { whole: boolean }).whole)) throw new Error('it made no whole page');
  },

  async probe({ instance }: StackContext, connectable, warmed): Promise<void> {
    await using socket = await connectable(join(instance.sockets, `${instance.id}.sock`));
    const { scripts, alien } = await ask<{ scripts: number; alien: string[] }>(socket.path, 'probe.php');
    if (alien.length > 0) throw new Error(`it holds what is not core's: ${alien.slice(0, 3).join(', ')}`);
    if (scripts < Number(warmed['scripts'])) throw new Error(`it holds ${scripts} scripts in place of ${String(warmed['scripts'])}`);
  },
};

async function ask<T>(socket: string, script: string): Promise<T> {
  return JSON.parse(await fastcgiGet(socket, paramsOf(script), ANSWER_WITHIN_MS)) as T;
}

function paramsOf(script: string): Record<string, string> {
  return { SCRIPT_FILENAME: `${SCRIPTS}/${script}`, SCRIPT_NAME: `/${script}`, REQUEST_URI: `/${script}` };
}
