/** Debian packages that tests and benchmarks need beyond those of the product. */
import { exec, execAny } from '../src/lib/exec.ts';

/** Installs the package of each program that is missing. */
export async function needPackages(packageOf: Readonly<Record<string, string>>): Promise<void> {
  const missing: string[] = [];
  for (const [program, name] of Object.entries(packageOf)) {
    if ((await execAny(['which', program])).code !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  console.log(`… installing Debian packages: ${missing.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['apt-get', '-o', 'DPkg::Lock::Timeout=600', 'install', '-y', '--no-install-recommends', ...missing];
  if ((await execAny(install, { env })).code === 0) return;
  await exec(['apt-get', 'update'], { env });
  await exec(install, { env });
}
