/** The key of a checkpoint: one hash of everything that it depends on. Under another key it is of no use. */
import { createHash } from 'node:crypto';
import { renderOciConfig } from '../runtime/bundle/render-oci-config.ts';
import { INSTANCE_VARIABLE } from '../runtime/bundle/bundle-spec.ts';
import type { BindMount, BundleSpec } from '../runtime/bundle/bundle-spec.ts';

export interface KeyParts {
  readonly imageDigest: string;
  readonly spec: BundleSpec;
  /** Kernel, processor and tools (see `Checkpoints.environment`). */
  readonly environment: string;
  /** More that it depends on, such as the site's secrets. */
  readonly more?: readonly string[];
}

const ANY_HARD_LIMITS = { openFiles: Number.MAX_SAFE_INTEGER };

/**
 * The whole OCI configuration counts (arguments, mounts and their flags, capabilities, filter), so that a stricter profile discards
 * everything made under the old one. What a restore gives anew does not: paths on the host, ids, limits, the instance's name wherever it stands.
 */
export function checkpointKey({ imageDigest, spec, environment, more = [] }: KeyParts): string {
  const neutral: BundleSpec = {
    ...spec,
    rootfs: '',
    mounts: fromNowhere(spec.mounts),
    ...(spec.masks === undefined ? {} : { masks: fromNowhere(spec.masks) }),
    cgroupPath: '',
    ...(spec.sharedDev === undefined ? {} : { sharedDev: '' }),
    limits: undefined,
    hostIdBase: 0,
  };
  const parts = [imageDigest, unnamed(neutral), environment, ...more];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** A socket that is called as the instance would make each configuration another. */
function unnamed(spec: BundleSpec): unknown {
  const text = JSON.stringify(renderOciConfig(spec, ANY_HARD_LIMITS));
  const name = spec.env[INSTANCE_VARIABLE] ?? '';
  return JSON.parse(name === '' ? text : text.replaceAll(name, ''));
}

function fromNowhere(mounts: readonly BindMount[]): BindMount[] {
  return mounts.map((mount) => ({ ...mount, source: '' }));
}
