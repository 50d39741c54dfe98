/** Names of containers and volumes. */
import { randomBytes, randomInt } from 'node:crypto';
import { SubakoError } from '../domain/errors.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u;
export const LONGEST_NAME = 63;

const HOW = `able bold brave bright brisk calm clever eager early fair fond gentle glad happy kind lively lucky merry mild neat nimble patient proud quick
quiet ready sharp sleepy steady sunny tidy warm wise`.split(/\s+/u);
/** Birds, for the hive box is theirs too. */
const WHO = `blackbird bunting chough crane crossbill curlew dipper dunlin finch goldcrest grebe heron hoopoe jay kestrel kingfisher lapwing linnet magpie
martin nightjar nuthatch oriole osprey owl pipit plover robin siskin skylark snipe sparrow starling stork swallow swift tern thrush titmouse wagtail
warbler waxwing woodpecker wren wryneck`.split(/\s+/u);

/** @throws SubakoError `bad_usage` */
export function checkName(name: string, what: 'container' | 'network' | 'volume'): string {
  if (NAME.test(name) && name.length <= LONGEST_NAME) return name;
  throw new SubakoError('bad_usage', `${JSON.stringify(name)} is no name for a ${what}`, {
    hint: `a letter or a digit, then letters, digits, dots, dashes and underscores; at most ${LONGEST_NAME}`,
  });
}

/** Such as `quick-wren`, and none of those. */
export function freeName(taken: ReadonlySet<string>): string {
  for (let tried = 0; tried < 20; tried += 1) {
    const name = randomName();
    if (!taken.has(name)) return name;
  }
  return `${randomName()}-${newContainerId().slice(0, 6)}`;
}

function randomName(): string {
  return `${HOW[randomInt(HOW.length)]}-${WHO[randomInt(WHO.length)]}`;
}

/** Twelve hexadecimal digits: no site's and no service's container is called so. */
export function newContainerId(): string {
  return randomBytes(6).toString('hex');
}

/** For a volume that nobody named. */
export function anonymousVolumeName(): string {
  return randomBytes(16).toString('hex');
}
