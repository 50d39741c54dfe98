/** A certificate for names under localhost, so that https works at once; browsers warn about it. */
import { chmod, chown, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../lib/exec.ts';
import { writeFileAtomic } from '../lib/files.ts';

const VALID_DAYS = 3650;

/** Makes the pair once; returns the certificate. The key is readable by root and the edge alone. */
export async function ensureSelfSigned(dir: string, options: { toolboxRootfs: string; owner: number }): Promise<string> {
  const certificate = join(dir, 'certificate.pem');
  const found = await readFile(certificate, 'utf8').catch(() => undefined);
  if (found !== undefined) return found;
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,DNS:*.localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '-', '-out', '-'];
  const result = await exec(['chroot', options.toolboxRootfs, 'openssl', 'req', '-x509', '-days', String(VALID_DAYS), ...key, ...subject]);
  const pem = (label: string): string => new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`, 'u').exec(result.stdout)?.[0] ?? '';
  const keyPath = join(dir, 'key.pem');
  await writeFileAtomic(keyPath, `${pem('PRIVATE KEY')}\n`, { mode: 0o400 });
  await chown(keyPath, options.owner, options.owner);
  await writeFileAtomic(certificate, `${pem('CERTIFICATE')}\n`);
  await chmod(certificate, 0o644);
  return readFile(certificate, 'utf8');
}
