import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { MOST_WARMED, warmPages } from './warm-pages.ts';

interface Warmed {
  readonly kept: number;
  readonly asked: IncomingMessage[];
  readonly mostAtOnce: number;
  readonly told: string[];
}

/** @param statusOf what the edge says of the page at a path @param goesAfter of so many, whoever asked goes away */
async function warmed(names: readonly string[], { statusOf = (): string => 'Subako; fwd=miss; stored', goesAfter = Infinity } = {}): Promise<Warmed> {
  const asked: IncomingMessage[] = [];
  const told: string[] = [];
  const leaving = new AbortController();
  let [now, mostAtOnce] = [0, 0];
  const edge = createServer((request, response) => {
    asked.push(request);
    now += 1;
    mostAtOnce = Math.max(mostAtOnce, now);
    setImmediate(() => {
      now -= 1;
      response.setHeader('cache-status', statusOf()).end('a page');
    });
  });
  await once(edge.listen(0, '127.0.0.1'), 'listening');
  const { port } = edge.address() as AddressInfo;
  const progress = (text: string): void => {
    told.push(text);
    if (told.length >= goesAfter) leaving.abort();
  };
  const kept = await warmPages(names, { ports: { http: port, https: 1 }, progress, signal: leaving.signal });
  await new Promise((resolve) => edge.close(resolve));
  return { kept, asked, mostAtOnce, told };
}

it('asks the edge as a visitor of that name would, for each device that has a page of its own', async () => {
  const { kept, asked, told } = await warmed(['http://a.example:8080/x/?y=1', 'http://a.example:8080/ mobile', 'http://a.example:8080/ desktop']);
  expect(kept).toBe(3);
  expect(asked.map(({ url, headers }) => [headers.host, url, headers['accept-encoding'], headers['sec-ch-ua-mobile']])).toEqual([
    ['a.example:8080', '/x/?y=1', 'br', undefined],
    ['a.example:8080', '/', 'br', '?1'],
    ['a.example:8080', '/', 'br', '?0'],
  ]);
  expect(told).toEqual(['1 of 3: /x/?y=1', '2 of 3: /', '3 of 3: /']);
});

it('asks for a hundred at most, two at a time', async () => {
  const { kept, asked, mostAtOnce } = await warmed(Array.from({ length: 130 }, (_, index) => `http://a.example/${index}/`));
  expect([kept, asked.length, asked.at(-1)?.url]).toEqual([MOST_WARMED, MOST_WARMED, '/99/']);
  expect(mostAtOnce).toBeLessThanOrEqual(2);
});

it('counts what is kept, and goes on after what is not, or does not answer', async () => {
  const statuses = ['Subako; fwd=miss', 'Subako; hit; ttl=3600'];
  const { kept, asked } = await warmed(['https://a.example/', 'http://a.example/x/', 'http://a.example/y/'], { statusOf: () => statuses.pop() ?? '' });
  expect([kept, asked.length]).toEqual([1, 2]);
});

it('ends when whoever wanted it goes away', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `http://a.example/${index}/`);
  expect((await warmed(names, { goesAfter: 4 })).asked.length).toBeLessThan(7);
});
