/** `subako image scan`: security updates that an image waits for. */
import { Command } from 'commander';
import type { ScanReply } from '../../image/oci/scan/scan.ts';
import { contextOf } from '../context.ts';
import { table } from '../output.ts';

export function scanCommand(): Command {
  return new Command('scan')
    .description('which packages of an image have security updates waiting')
    .argument('<image>')
    .option('--strict', 'exit 1 when there are any')
    .addHelpText(
      'after',
      '\nIt compares the image’s Debian or Ubuntu packages with the distribution’s security archive, and exits 1 where nothing can be said. Software that came another way is not seen.\n\nExamples:\n  subako image scan nginx\n  subako image scan nginx --strict --json',
    )
    .action(async (image: string, { strict = false }: { strict?: boolean }, command: Command) => {
      const { client, output } = contextOf(command);
      const scanned = await client.work<ScanReply>('/v1/images/scan', { reference: image }, output.progress);
      output.show(scanned, () => describe(scanned));
      if (strict && scanned.updates.length > 0) process.exitCode = 1;
    });
}

function describe({ image, distribution, packages, updates, asOf }: ScanReply): string {
  const seen = `${image}: ${packages} packages of ${distribution}, beside its security archive of ${new Date(asOf).toISOString().slice(0, 10)}`;
  if (updates.length === 0) return `${seen}: no update waits`;
  const rows = updates.map((update) => [update.package, update.source, update.installed, update.fixed]);
  return `${seen}: ${updates.length} updates wait\n${table(['PACKAGE', 'SOURCE', 'INSTALLED', 'FIXED'], rows)}`;
}
