/** What people call images: `nginx`, `app:2`, `registry.example:5000/team/app@sha256:…`. */
import { SubakoError } from '../../domain/errors.ts';

/** A name in full: whatever was left out is filled in as docker does. */
export interface ImageReference {
  /** Host, and port where one is given; `localhost` for what was made here. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…` of the manifest. */
  readonly digest: string | undefined;
}

const DEFAULT_REGISTRY = 'docker.io';
/** Where names of images that were made here begin. */
export const LOCAL_REGISTRY = 'localhost';
const DEFAULT_TAG = 'latest';
const LONGEST_NAME = 255;

// The grammar of the field (distribution/reference): host[:port]/path[:tag][@digest].
const REGISTRY = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/u;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/u;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/u;
const DIGEST = /^sha256:[0-9a-f]{64}$/u;

/**
 * The name in full, as a registry knows it: `nginx` is `docker.io/library/nginx:latest`.
 * @throws SubakoError `bad_usage` for what is no name of an image
 */
export function parseReference(text: string): ImageReference {
  const { registry, repository, tag, digest } = split(text);
  if (registry !== undefined && registry !== DEFAULT_REGISTRY) return { registry, repository, tag, digest };
  return { registry: DEFAULT_REGISTRY, repository: repository.includes('/') ? repository : `library/${repository}`, tag, digest };
}

/** As `parseReference`, but a short name is one of this machine's: `app` is `localhost/app:latest`. */
export function parseLocalReference(text: string): ImageReference {
  const { registry = LOCAL_REGISTRY, ...rest } = split(text);
  return { registry, ...rest };
}

/** Names that an image may have here when a person calls it so, the likeliest first. */
export function candidates(text: string): ImageReference[] {
  const isShort = split(text).registry === undefined;
  return [...(isShort ? [parseLocalReference(text)] : []), parseReference(text)];
}

export function formatReference({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Registry and repository alone. */
export function repositoryOf({ registry, repository }: ImageReference): string {
  return `${registry}/${repository}`;
}

export function isRegistry(text: string): boolean {
  return text.length <= LONGEST_NAME && REGISTRY.test(text);
}

interface Parts extends Omit<ImageReference, 'registry'> {
  readonly registry: string | undefined;
}

function split(text: string): Parts {
  const [name = '', digest, ...more] = text.split('@');
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  // Docker's rule: what could be a host name is one; `team/app` has none.
  const hasRegistry = /[.:]/u.test(first) || first === LOCAL_REGISTRY;
  const path = hasRegistry ? name.slice(slash + 1) : name;
  const colon = path.indexOf(':');
  const repository = colon === -1 ? path : path.slice(0, colon);
  const given = colon === -1 ? undefined : path.slice(colon + 1);
  const isGood =
    more.length === 0 &&
    (!hasRegistry || isRegistry(first)) &&
    repository.length <= LONGEST_NAME &&
    REPOSITORY.test(repository) &&
    (given === undefined || TAG.test(given)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isGood) throw badName(text);
  return { registry: hasRegistry ? first : undefined, repository, tag: given ?? (digest === undefined ? DEFAULT_TAG : undefined), digest };
}

function badName(text: string): SubakoError {
  return new SubakoError('bad_usage', `${JSON.stringify(text.slice(0, 100))} is not a name of an image`, {
    hint: 'such as nginx, app:2, registry.example:5000/team/app:1.0 or app@sha256:…; small letters only, but for the tag',
  });
}
