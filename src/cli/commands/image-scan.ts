/** `subako image scan`: security updates that an image waits for, and holes that are known. */
import { Command } from 'commander';
import type { ScanReply } from '../../image/oci/scan/scan.ts';
import { printable } from '../../lib/printable.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function scanCommand(): Command {
  return new Command('scan')
    .description('which packages of an image have security updates waiting, and which known holes it has')
    .argument('<image>')
    .option('--strict', 'exit 1 when there are any that an update closes')
    .addHelpText(
      'after',
      `
It compares the image’s Debian or Ubuntu packages with the distribution’s security archive, and asks Trivy or Grype where this machine has one.
It exits 1 where nothing can be said. Without Trivy or Grype, software that came another way is not seen.

Examples:
  subako image scan nginx
  subako image scan nginx --strict --json`,
    )
    .action(async (image: string, { strict = false }: { strict?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const scanned = await client.work<ScanReply>('/v1/images/scan', { reference: image }, output.progress);
      output.show(scanned, () => describe(scanned));
      if (strict && scanned.updates.length + scanned.holes.filter(({ fixed }) => fixed !== null).length > 0) process.exitCode = 1;
    });
}

function describe(scanned: ScanReply): string {
  const notes = scanned.unsaid === null ? [] : [`not all could be said: ${scanned.unsaid}`];
  return [...describeUpdates(scanned), ...describeHoles(scanned), ...notes].join('\n');
}

function describeUpdates({ image, distribution, packages, updates, asOf }: ScanReply): string[] {
  if (distribution === null || asOf === null) return [];
  const seen = `${image}: ${packages} packages of ${distribution}, beside its security archive of ${new Date(asOf).toISOString().slice(0, 10)}`;
  if (updates.length === 0) return [`${seen}: no update waits`];
  const rows = updates.map((update) => [update.package, update.source, update.installed, update.fixed].map(printable));
  return [`${seen}: ${updates.length} updates wait`, table(['PACKAGE', 'SOURCE', 'INSTALLED', 'FIXED'], rows)];
}

function describeHoles({ image, scanner, holes }: ScanReply): string[] {
  if (scanner === null) return [];
  if (holes.length === 0) return [`${image}: ${scanner} knows of no hole`];
  const rows = holes.map((hole) => [hole.id, hole.severity, hole.package, hole.installed, hole.fixed ?? '-'].map(printable));
  return [`${image}: ${scanner} knows of ${holes.length} holes`, table(['HOLE', 'SEVERITY', 'PACKAGE', 'INSTALLED', 'FIXED'], rows)];
}
