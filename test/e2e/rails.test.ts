/** Rails, a real one of the generator's. Its image takes a minute to make: a machine that has it, or a whole run, tries it. */
import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReleasesReply } from '../../src/api/types.ts';
import { directories } from '../../src/config/directories.ts';
import { recipeKey } from '../../src/image/recipe.ts';
import { poll } from '../../src/lib/deadline.ts';
import { releasePaths, sitePaths } from '../../src/site/site-paths.ts';
import { rails } from '../../src/stack/rails/rails.ts';
import { createOfCode, deploy } from '../helpers/code.ts';
import { TestPlatform } from '../helpers/platform.ts';
import { WHOLE } from '../reliability/whole.ts';

const SITE = 'rails.localhost';
const WITHIN = { timeoutMs: 60_000, everyMs: 100 } as const;
const MIGRATION = '20260102000000_add_name_to_visits.rb';

const isThere = rails.recipe !== undefined && existsSync(join(directories({}).cache, recipeKey(rails.recipe)));
if (!isThere && !WHOLE) console.log('skipped: Rails, whose image is not in the cache (make it with a first Rails site, or run with --whole)');

describe.skipIf(!isThere && !WHOLE)('a Rails site', () => {
  let platform: TestPlatform;
  let code: string;

  beforeAll(async () => {
    platform = await TestPlatform.start({ freezeAfter: 'never', idleTimeout: 'never' });
    await createOfCode(platform, SITE, { stack: 'rails', env: ['WORD=a b'] });
    const { id } = await platform.row(SITE);
    const { current } = await platform.api.get<ReleasesReply>(`/v1/sites/${SITE}/releases`);
    code = join(platform.dir, 'app');
    await cp(releasePaths(sitePaths(platform, id), current).code, code, { recursive: true, verbatimSymlinks: true });
  });

  afterAll(async () => {
    expect(await platform.stop()).toEqual([]);
  });

  const page = async (path = '/'): Promise<string> => {
    const reply = await platform.fetch(SITE, path, { kept: true });
    expect([path, reply.status]).toEqual([path, 200]);
    return reply.text;
  };
  const controller = (text: string): Promise<void> =>
    writeFile(
      join(code, 'app/controllers/visits_controller.rb'),
      `class VisitsController < ApplicationController\n  def show\n    render plain: ${text}\n  end\nend\n`,
    );

  it('has its tables before anybody comes, and is woken with what is in them', async () => {
    expect(await page()).toMatch(/Rails 7\.\d[\d.]* on Ruby 3\.\d\.\d+, visit 1\./u);
    for (const [state, visit] of [
      ['cold', 2],
      ['frozen', 3],
    ] as const) {
      await platform.sleep(SITE, state);
      expect(await page()).toContain(`visit ${visit}.`);
    }
    expect((await platform.sleep(SITE, 'cold')).ms).toBeLessThan(5_000);
  });

  it('has its files served without a wake', async () => {
    expect(await page('/style.css')).toContain('font-family');
    expect((await platform.row(SITE)).state).toBe('cold');
    expect((await platform.fetch(SITE, '/config/database.yml', { kept: true })).status).toBe(404);
  });

  it('stays as it was when its tables cannot be brought up to date', async () => {
    const before = await platform.api.get<ReleasesReply>(`/v1/sites/${SITE}/releases`);
    await writeFile(
      join(code, 'db/migrate', MIGRATION),
      'class AddNameToVisits < ActiveRecord::Migration[7.2]\n  def change\n    raise "not today"\n  end\nend\n',
    );
    await expect(deploy(platform, SITE, { files: code })).rejects.toMatchObject({
      code: 'command_failed',
      facts: { output: expect.stringContaining('not today') as string },
    });
    expect(await platform.api.get<ReleasesReply>(`/v1/sites/${SITE}/releases`)).toEqual(before);
    expect(await page()).toContain('It works');
  });

  it('is led to the next release once they are, and has keys and variables of its own', async () => {
    await writeFile(
      join(code, 'db/migrate', MIGRATION),
      'class AddNameToVisits < ActiveRecord::Migration[7.2]\n  def change\n    add_column :visits, :name, :string\n  end\nend\n',
    );
    await controller('[Visit.column_names.join(" "), ENV["WORD"], ENV["SECRET_KEY_BASE"].length, request.remote_ip, request.ssl?].join("|")');
    await deploy(platform, SITE, { files: code });
    expect(await poll(async () => (await page()).startsWith('id count name|a b|64|127.0.0.1|false'), WITHIN)).toBe(true);
    expect(await readFile(join(platform.state, 'log/daemon.log'), 'utf8')).not.toContain('SECRET_KEY_BASE=');
  });

  it('is refused where it is none', async () => {
    await expect(deploy(platform, SITE, { files: join(code, 'app') })).rejects.toMatchObject({ code: 'bad_setting' });
  });
});
