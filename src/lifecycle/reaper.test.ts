import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QUIET } from '../domain/site.ts';
import { poll } from '../lib/deadline.ts';
import { startTimeOf } from '../lib/proc.ts';
import { ConnectionCounter } from './connections.ts';
import { Live } from './live.ts';
import { Reaper } from './reaper.ts';
import { Verdicts } from './way-verdicts.ts';

let dir: string;
let server: Server;
let visitor: Socket;
let live: Live;

/** An instance that listens, and somebody who is connected to it. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'subako-reaper-'));
  const socket = join(dir, `${dir.slice(-6)}.sock`);
  server = createServer((one) => one.resume()).listen(socket);
  await once(server, 'listening');
  visitor = connect(socket);
  await once(visitor, 'connect');
  live = Object.assign(Object.create(Live.prototype) as Live, {
    site: { id: 's', domain: 'a.example', image: 'sha256:one', settings: QUIET },
    instance: { id: 'i', role: 'public', image: 'sha256:one', state: 'running', bootedAt: 0 },
    process: { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' },
    stack: { uid: 33, listensAt: () => ({ socket }) },
    context: { paths: { log: dir } },
    usedAt: 0,
    holds: 0,
  });
});

afterEach(async () => {
  visitor.destroy();
  server.close();
  await rm(dir, { recursive: true });
});

/** One look; `meanwhile` happens when all were counted, and before anything is decided. */
async function look(meanwhile: () => Promise<void>): Promise<string[]> {
  const done: string[] = [];
  const counter = new ConnectionCounter({ ss: '/nonexistent' });
  let counts = 0;
  const connections = {
    to: async (lives: readonly Live[]) => {
      const counted = await counter.to(lives);
      counts += 1;
      if (counts === 1) await meanwhile();
      return counted;
    },
  };
  const lifecycle = { allLive: () => [live], livesOf: () => [live], isQuiet: false, thawStray: async () => void done.push('thawed'), settle: async () => true };
  const deps = {
    connections,
    cmdb: { site: async () => undefined, sites: async () => [] },
    runtime: { usage: async () => undefined },
    spares: { tend: async () => undefined },
    ownCheckpoints: { list: () => [] },
    templates: { renewWorn: async () => undefined },
    settings: { targetInFlight: 4, memoryReserve: 0, logSize: 1024 },
    emit: () => undefined,
    now: () => 0,
  };
  await new Reaper(lifecycle as never, deps as never, new Verdicts()).look();
  return done;
}

const freeze = (): void => void (live.instance = { ...live.instance, state: 'frozen' });

describe('an instance that is frozen', () => {
  it('goes on when a request waits in its backlog', async () => {
    freeze();
    expect(await look(async () => undefined)).toEqual(['thawed']);
  });

  it('stays frozen when the request that was counted ended before it was', async () => {
    const counter = new ConnectionCounter({ ss: '/nonexistent' });
    const ended = async (): Promise<void> => {
      visitor.destroy();
      expect(await poll(async () => live.inFlightOf(await counter.to([live])) === 0, { timeoutMs: 60_000, everyMs: 1 })).toBe(true);
      freeze();
    };
    expect(await look(ended)).toEqual([]);
  });
});
