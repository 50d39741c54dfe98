/** The OCI programs that can run a site's containers; the first is the default, and the one of the platform's own containers. */
export const RUNTIME_NAMES = ['crun', 'runc', 'runsc'] as const;

export type RuntimeName = (typeof RUNTIME_NAMES)[number];

export const DEFAULT_RUNTIME: RuntimeName = 'crun';
