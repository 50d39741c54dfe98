/** Which image a person means. */
import { SubakoError } from '../../domain/errors.ts';
import { candidates, formatReference, parseReference, repositoryOf } from './reference.ts';
import type { ImageReference } from './reference.ts';
import type { StoredImage } from './storage-files.ts';

/** Fewer digits could be meant as a name. */
const SHORT_ID = /^[0-9a-f]{7,64}$/u;

/**
 * By name (short ones are looked for here first, then as docker.io's), by name and digest, by id, or by the first digits of an id.
 * @throws SubakoError `not_found`; `bad_usage` for what is no name, or digits that several ids begin with
 */
export function findImage(images: readonly StoredImage[], text: string): StoredImage {
  const byId = text.startsWith('sha256:') ? text.slice('sha256:'.length) : text;
  if (SHORT_ID.test(byId)) {
    const found = images.filter(({ id }) => id.startsWith(`sha256:${byId}`));
    if (found.length > 1) throw new SubakoError('bad_usage', `${found.length} images have an id that begins with ${byId}`, { hint: 'give more of it' });
    if (found[0] !== undefined) return found[0];
    if (text.startsWith('sha256:')) throw new SubakoError('not_found', `there is no image with the id ${text}`, { hint: 'subako image ls --all shows them' });
  }
  for (const reference of candidates(text)) {
    const found = images.find((image) => isCalled(image, reference));
    if (found !== undefined) return found;
  }
  throw new SubakoError('not_found', `there is no image ${text}`, {
    hint: `subako pull ${text} fetches ${formatReference(parseReference(text))}; subako build -t ${text} DIR makes one; subako image ls shows those there are`,
  });
}

/** The one of an image's names by which it was asked for; undefined where that was its id. */
export function nameMeant(names: readonly string[], reference: string): string | undefined {
  return candidates(reference)
    .map(formatReference)
    .find((name) => names.includes(name));
}

function isCalled({ names, digestNames, manifestDigests }: StoredImage, reference: ImageReference): boolean {
  if (reference.digest === undefined) return names.includes(formatReference(reference));
  const repository = repositoryOf(reference);
  if (digestNames.includes(`${repository}@${reference.digest}`)) return true;
  return manifestDigests.includes(reference.digest) && names.some((name) => name.startsWith(`${repository}:`));
}
