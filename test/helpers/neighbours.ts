/** Two sites of one platform: one was taken over, the other is its neighbour. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CreatedSiteReply } from '../../src/api/types.ts';
import type { DatabaseAccess } from '../../src/database/tenants.ts';
import type { Role } from '../../src/domain/role.ts';
import type { ExecResult } from '../../src/lib/exec.ts';
import { TestPlatform } from './platform.ts';

export const EVIL = 'evil.localhost';
export const GOOD = 'good.localhost';

export class Neighbours {
  readonly platform: TestPlatform;
  readonly good: CreatedSiteReply;
  readonly evil: CreatedSiteReply;
  #probes = 0;

  private constructor(platform: TestPlatform, { good, evil }: { good: CreatedSiteReply; evil: CreatedSiteReply }) {
    this.platform = platform;
    this.good = good;
    this.evil = evil;
  }

  static async start(): Promise<Neighbours> {
    const platform = await TestPlatform.start();
    return new Neighbours(platform, { good: await platform.createSite(GOOD), evil: await platform.createSite(EVIL) });
  }

  /** Runs PHP as the tenant would: through a request, in a worker of the site's own FPM, of either role. Each time another file: nothing compiled is in the way. */
  async asTenant<T>(code: string, role: Role = 'public'): Promise<T> {
    this.#probes += 1;
    const name = `probe-${this.#probes}.php`;
    await this.platform.plantPhp(EVIL, name, `<?php error_reporting(0); ${code}`);
    const reply = await this.platform.fetch(EVIL, `/wp-content/plugins/${name}`, { method: role === 'admin' ? 'POST' : 'GET' });
    expect(reply.status, reply.text).toBe(200);
    return JSON.parse(reply.text) as T;
  }

  /** A command as the tenant could run it. */
  inside(argv: readonly string[], role: Role = 'admin'): Promise<ExecResult> {
    return this.platform.inside(EVIL, argv, { role });
  }

  async accessOf({ id }: CreatedSiteReply): Promise<DatabaseAccess> {
    return JSON.parse(await readFile(join(this.platform.state, 'sites', id, 'secrets', 'database.json'), 'utf8')) as DatabaseAccess;
  }
}
