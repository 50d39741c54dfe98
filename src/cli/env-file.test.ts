import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readEnvFile, variables } from './env-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'subako-env-'));
afterAll(() => rmSync(dir, { recursive: true }));

function file(text: string): string {
  const path = join(dir, 'env');
  writeFileSync(path, text);
  return path;
}

describe('variables for a container', () => {
  it('are given with a value, or have that of the shell; without one they are left out', () => {
    const own = (name: string): string | undefined => (name === 'HERE' ? 'mine' : undefined);
    expect(variables(['A=b=c', 'HERE', 'GONE', 'E='], own)).toEqual(['A=b=c', 'HERE=mine', 'E=']);
    expect(() => variables(['=x'], own)).toThrow('no name');
  });

  it('come from a file, one a line', () => {
    expect(readEnvFile(file('# note\n\nA=1 2\r\n  B="quoted"\nC\n'))).toEqual(['A=1 2', 'B="quoted"', 'C']);
  });

  it('never go on in the next line, and the line is named', () => {
    expect(() => readEnvFile(file('A=1\nnot a name\n'))).toThrow('line 2');
    expect(() => readEnvFile(join(dir, 'none'))).toThrow('cannot be read');
  });
});
