import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Container } from '../domain/container.ts';
import { fillingMark, seedVolumes } from './seed-volumes.ts';

let dir: string;
let ran: string[];
let isFailing: boolean;

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'subako-volumes-')), 'data');
  await mkdir(dir);
  ran = [];
  isFailing = false;
});
afterEach(() => rm(join(dir, '..'), { recursive: true }));

/** Has no program run, but notes which one would, and a copy leaves a file. */
function seed({ place, up = [] }: { place?: string; up?: readonly string[] } = {}): Promise<void> {
  const volumes = [{ from: { volume: 'data', anonymous: false }, destination: '/data', writable: true }];
  const deps = {
    remounter: { resolveIn: async () => place },
    runtime: {
      prepare: async (_id: string, { args }: { args: readonly string[] }) => void ran.push(args[0] ?? ''),
      runToEnd: async () => {
        if (ran.at(-1) === 'cp') await writeFile(join(dir, 'file'), '');
        return { code: isFailing ? 1 : 0, stderr: 'no space left on device' };
      },
    },
    cgroupPathOf: (id: string) => id,
    toolsRoot: '/tools',
    cmdb: {
      containers: async () => up.map((id) => ({ id, state: 'running', spec: { volumes } }) as unknown as Container),
      instances: async () => [],
      sites: async () => [],
    },
  };
  return seedVolumes([{ source: dir, destination: '/data', writable: true }], { id: 'own', rootfs: '/root', uidRange: 7 }, deps as never);
}

describe('a volume', () => {
  it('is filled once, where the image has something for it', async () => {
    await seed();
    expect(ran).toEqual([]);
    await seed({ place: '/data' });
    expect(ran).toEqual(['cp']);
    await seed({ place: '/data' });
    expect(ran).toEqual(['cp']);
    expect(existsSync(fillingMark(dir))).toBe(false);
  });

  it('that could not be filled is emptied first by the next, whatever its image has', async () => {
    isFailing = true;
    await expect(seed({ place: '/data' })).rejects.toMatchObject({ code: 'command_failed' });
    expect(existsSync(fillingMark(dir))).toBe(true);
    isFailing = false;
    await seed({ place: '/data', up: ['own'] });
    expect(ran).toEqual(['cp', 'find', 'cp']);
    await writeFile(fillingMark(dir), '');
    await seed();
    expect(ran.slice(3)).toEqual(['find']);
    expect(existsSync(fillingMark(dir))).toBe(false);
  });

  it('that another has by then loses nothing of what is in it', async () => {
    await writeFile(fillingMark(dir), '');
    await seed({ place: '/data', up: ['own', 'other'] });
    expect(ran).toEqual(['cp']);
  });

  it('is filled for one at a time', async () => {
    await Promise.all([seed({ place: '/data' }), seed({ place: '/data' })]);
    expect(ran).toEqual(['cp']);
    expect(existsSync(fillingMark(dir))).toBe(false);
  });
});
