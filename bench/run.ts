import { needPackages } from '../tools/packages.ts';

/** `npm run bench -- NAME`: compares, and writes docs/benchmarks.md. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ run: () => Promise<void> }>>> = {
  wake: () => import('./wake.ts'),
  rest: () => import('./rest.ts'),
};

const [name = ''] = process.argv.slice(2);
const load = BENCHMARKS[name];
if (load === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join('|')}`);
  process.exitCode = 2;
} else {
  await needPackages({ mmdebstrap: 'mmdebstrap', podman: 'podman' });
  await (await load()).run();
}
