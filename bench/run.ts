import { needPackages } from '../tools/packages.ts';

interface Benchmark {
  /** @param size how many sites or rounds; the benchmark's own choice where it is not given */
  readonly run: (size?: number) => Promise<void>;
}

/** `npm run bench -- NAME [SIZE]`: compares, and writes docs/benchmarks.md. */
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  pages: () => import('./pages.ts'),
  wake: () => import('./wake.ts'),
  rest: () => import('./rest.ts'),
  density: () => import('./density.ts'),
  storm: () => import('./storm.ts'),
  records: () => import('./records.ts'),
  start: () => import('./start.ts'),
  apps: () => import('./apps.ts'),
  cache: () => import('./cache.ts'),
  tls: () => import('./tls.ts'),
  runtimes: () => import('./runtimes.ts'),
};

const [name = '', size] = process.argv.slice(2);
const load = BENCHMARKS[name];
const count = size === undefined ? undefined : Number(size);
if (load === undefined || (count !== undefined && (!Number.isInteger(count) || count < 1))) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')} [SIZE]`);
  process.exitCode = 2;
} else {
  await needPackages({ mmdebstrap: 'mmdebstrap', podman: 'podman', ...(name === 'cache' || name === 'tls' ? { wrk: 'wrk' } : {}) });
  await (await load()).run(count);
}
