import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepOutputs, openOutput, outputPath } from './job-output.ts';

let dir = '';
beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'subako-output-')), 'jobs');
});
afterEach(() => rm(join(dir, '..'), { recursive: true }));

it('keeps what a run says, without what steers a terminal, for root alone', async () => {
  const output = await openOutput(dir, 'r1');
  output.line('one');
  output.line('\u001B[2Jtwo');
  await output[Symbol.asyncDispose]();
  expect(await readFile(outputPath(dir, 'r1'), 'utf8')).toBe('one\n\uFFFD[2Jtwo\n');
  expect([(await stat(dir)).mode & 0o777, (await stat(outputPath(dir, 'r1'))).mode & 0o777]).toEqual([0o700, 0o600]);
});

it('keeps no more than a mebibyte of it, and says so', async () => {
  const output = await openOutput(dir, 'r1');
  for (let n = 0; n < 5_000; n += 1) output.line('x'.repeat(1_000));
  await output[Symbol.asyncDispose]();
  const text = await readFile(outputPath(dir, 'r1'), 'utf8');
  expect(text.length).toBeLessThan(1_050_000);
  expect(text.endsWith('x\n… more than is kept\n')).toBe(true);
});

it('forgets what runs said that are forgotten', async () => {
  for (const id of ['r1', 'r2']) await (await openOutput(dir, id))[Symbol.asyncDispose]();
  await keepOutputs(dir, new Set(['r2']));
  expect(await readdir(dir)).toEqual(['r2.log']);
  await keepOutputs('/no/such/dir', new Set());
});
