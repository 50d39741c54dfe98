/** Writes docs/benchmarks.md: each benchmark owns one section, and writes it whole. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { formatSize } from '../src/lib/units.ts';
import { VERSION } from '../src/main/version.ts';

const PATH = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const HEAD = `# Benchmarks

Written by the benchmarks themselves (\`npm run bench -- NAME\`). Machines differ and drift: the ratios of one run are the point, not the milliseconds.
`;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Replaces the section of this name, or adds it; a run smaller than usual only prints it. */
export async function writeSection(name: string, body: string, { keep = true }: { readonly keep?: boolean } = {}): Promise<void> {
  console.log(`\n${body.trim()}`);
  if (!keep) return console.log('\nsmaller than usual: docs/benchmarks.md stays as it is');
  const before = await readFile(PATH, 'utf8').catch(() => HEAD);
  const section = `<!-- ${name} -->\n${body.trim()}\n\n${machineFacts()}\n<!-- /${name} -->\n`;
  const old = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->\n`, 'u');
  const after = old.test(before) ? before.replace(old, () => section) : `${before.trimEnd()}\n\n${section}`;
  await writeFile(PATH, after);
  return console.log('\nwritten to docs/benchmarks.md');
}

function machineFacts(): string {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  return `*${new Date().toISOString().slice(0, 10)}, Subako ${VERSION}: ${availableParallelism()} cores (${cpu}), ${formatSize(totalmem())} of memory, Linux ${release()}, Node ${process.versions.node}.*`;
}
