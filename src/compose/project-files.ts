/** Secrets and configurations of a project, as files of the platform's that its containers may read. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SubakoError } from '../domain/errors.ts';
import type { ProjectModel } from '../domain/project.ts';
import { removeTree, writeFileAtomic } from '../lib/files.ts';
import { fileName } from './requests.ts';

/** By `ProjectFile.content`; base64. */
export type Contents = Readonly<Record<string, string>>;

/** Root's alone on this machine; in the container each has the owner and the mode that it is to have. A container that runs keeps the file that it has. */
export async function writeProjectFiles(dir: string, { services }: ProjectModel, contents: Contents): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (const { name, files } of services) {
    if (files.length > 0) await mkdir(join(dir, name), { recursive: true, mode: 0o700 });
    for (const [index, file] of files.entries()) {
      const { content, uid, gid, mode } = file;
      const given = contents[content];
      if (given === undefined) throw new SubakoError('bad_usage', `the content of ${content} did not come with the project`);
      await writeFileAtomic(join(dir, name, fileName(file, index)), Buffer.from(given, 'base64'), { mode, owner: { uid, gid } });
    }
  }
}

/** Of services, and with contents, that the model has no more. */
export async function removeStaleFiles(dir: string, { services }: ProjectModel): Promise<void> {
  for (const name of await readdir(dir)) {
    const files = services.find((service) => service.name === name)?.files ?? [];
    const kept = new Set(files.map(fileName));
    for (const file of await readdir(join(dir, name))) if (!kept.has(file)) await removeTree(join(dir, name, file));
    if (files.length === 0) await removeTree(join(dir, name));
  }
}

/** Of projects that nobody knows. */
export async function removeStrayFiles(dir: string, known: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) if (!known.has(name)) await removeTree(join(dir, name));
}
