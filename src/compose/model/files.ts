/** Secrets and configs: files that a service finds in its container, read by whoever types the command. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { ProjectFile } from '../../domain/project.ts';
import { refusal } from '../file/problem.ts';
import type { Problem } from '../file/problem.ts';
import type { ServicePlace } from './resolving.ts';

type Kind = 'secrets' | 'configs';
type Grant = ServicePlace['service']['secrets'][number];

const MAX_BYTES = 500 * 1024;
const LAST_ID = 65_535;
const READABLE = '0444';

export function filesOf(place: ServicePlace): ProjectFile[] {
  return (['secrets', 'configs'] as const).flatMap((kind) => place.service[kind].map((grant, index) => fileOf(grant, { kind, index, place })));
}

function fileOf(grant: Grant, { kind, index, place }: { kind: Kind; index: number; place: ServicePlace }): ProjectFile {
  const { source, target = source, uid = '0', gid = '0', mode = READABLE } = grant;
  const { refuse, contents } = place;
  const keys = [kind, index];
  const content = `${kind}/${source}`;
  const bytes = contents.get(content) ?? contentOf(source, kind, place);
  contents.set(content, bytes);
  const [own, group] = [uid, gid].map((id) =>
    /^\d{1,5}$/u.test(id) && Number(id) <= LAST_ID ? Number(id) : refuse(keys, `${id} is no id from 0 to ${LAST_ID}`),
  );
  if (!/^0?[0-7]{3}$/u.test(mode)) refuse([...keys, 'mode'], `${mode} is no mode of a file`, 'write it like 0440');
  return {
    content,
    digest: createHash('sha256').update(bytes).digest('hex'),
    destination: target.startsWith('/') ? target : kind === 'secrets' ? `/run/secrets/${target}` : `/${target}`,
    uid: own ?? 0,
    gid: group ?? 0,
    mode: Number.parseInt(mode, 8),
  };
}

function contentOf(source: string, kind: Kind, { project, surroundings, refuse }: ServicePlace): Buffer {
  const { file } = project;
  const given = kind === 'secrets' ? file.secrets?.[source] : file.configs?.[source];
  if (given === undefined) return refuse([kind], `there is no ${kind.slice(0, -1)} ${source}`, `name it in ${kind}: at the top of the file`);
  const wrong = (problem: Omit<Problem, 'keys'>): never => {
    throw refusal(project.sources, { keys: [kind, source], ...problem });
  };
  const ways = [given.file, given.environment, 'content' in given ? given.content : undefined].filter((one) => one !== undefined);
  if (ways.length !== 1) wrong({ message: 'it says not once where it comes from', hint: `give ${kind === 'secrets' ? '' : 'content, '}file or environment` });
  const bytes = bytesOf(given, { surroundings, wrong });
  if (bytes.length > MAX_BYTES) wrong({ message: `it is larger than ${MAX_BYTES / 1024} KiB`, hint: 'put it into a volume, or into the image' });
  return bytes;
}

interface Given {
  readonly file?: string | undefined;
  readonly environment?: string | undefined;
  readonly content?: string | undefined;
}

function bytesOf(
  { file, environment, content }: Given,
  { surroundings, wrong }: { surroundings: ServicePlace['surroundings']; wrong: (problem: Omit<Problem, 'keys'>) => never },
): Buffer {
  if (content !== undefined) return Buffer.from(content);
  if (environment !== undefined) {
    return Buffer.from(
      surroundings.variableOf(environment) ?? wrong({ message: `the variable ${environment} is not set`, hint: 'set it, or write it into .env' }),
    );
  }
  const path = resolve(surroundings.dir, file ?? '');
  if (surroundings.kindOf(path) !== 'file') return wrong({ message: `there is no file ${path}` });
  return surroundings.read(path);
}
