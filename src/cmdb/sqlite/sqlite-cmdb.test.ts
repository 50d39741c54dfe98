import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cmdbSuite } from '../cmdb.suite.ts';
import { SqliteCmdb } from './sqlite-cmdb.ts';

const dir = await mkdtemp(join(tmpdir(), 'subako-cmdb-'));
let count = 0;
const newPath = (): string => join(dir, `${(count += 1)}.sqlite`);
afterAll(() => rm(dir, { recursive: true }));

cmdbSuite('sqlite', async () => new SqliteCmdb(newPath()));

describe('the database file', () => {
  it('is the same after it was closed and opened again', async () => {
    const path = newPath();
    {
      await using cmdb = new SqliteCmdb(path);
      await cmdb.appendEvent({ type: 'platform.started' }, 5);
    }
    await using again = new SqliteCmdb(path);
    expect(await again.events({ limit: 1 })).toMatchObject([{ type: 'platform.started', at: 5 }]);
  });

  it('is refused, not mended in silence, when it is damaged', async () => {
    const path = newPath();
    {
      await using cmdb = new SqliteCmdb(path);
      for (let index = 0; index < 500; index += 1) await cmdb.appendEvent({ type: 'site.created', cause: 'x'.repeat(200) }, index);
    }
    const bytes = await readFile(path);
    bytes.fill(0x5a, 4096 * 3, 4096 * 8);
    await writeFile(path, bytes);
    expect(() => new SqliteCmdb(path)).toThrow(expect.objectContaining({ code: 'state_damaged' }));
  });

  it('is refused when it is no database at all, or a newer one', async () => {
    const nonsense = newPath();
    await writeFile(nonsense, 'this is not a database, whatever its name says; it is text');
    expect(() => new SqliteCmdb(nonsense)).toThrow(expect.objectContaining({ code: 'state_damaged' }));
  });
});
