/** What projects are made with. */
import type { OciImage } from '../image/oci/oci-image.ts';
import type { Volumes } from '../container/volumes.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { ImageGate } from '../site/image-gate.ts';
import type { Sites } from '../site/sites.ts';
import type { Pods, PodsDeps } from './pods.ts';

export interface ComposeDeps extends PodsDeps {
  readonly pods: Pods;
  readonly volumes: Pick<Volumes, 'create' | 'list' | 'remove' | 'give' | 'seed'>;
  readonly sites: Pick<Sites, 'createFrom' | 'changeApp' | 'remove' | 'set' | 'setBack'>;
  readonly lifecycle: Pick<Lifecycle, 'wake' | 'sleep' | 'stateOf'>;
  /** @throws SubakoError `not_found` with how to get it */
  readonly images: { resolve(ref: string): Promise<OciImage> };
  /** @throws SubakoError `image_refused` */
  readonly gate: Pick<ImageGate, 'admit'>;
  readonly now: () => number;
}
