/** The network links of a runtime's containers: begun while a container starts, put into it when it runs, removed with it. */
import type { BundleSpec } from './bundle/bundle-spec.ts';
import type { Networks } from '../network/networks.ts';

/** Told when a container could not be given its link, and goes on without. Never throws. */
export type NetworkFailed = (id: string, error: unknown) => void;

export class ContainerNetworks {
  readonly #networks: Networks;
  readonly #begun = new Set<string>();
  /** Set by whoever wants to know. */
  onFailed: NetworkFailed = () => undefined;

  constructor(networks: Networks) {
    this.#networks = networks;
  }

  begin(id: string, { network }: BundleSpec): void {
    if (typeof network === 'string') return;
    this.#begun.add(id);
    this.#networks.begin(id, network);
  }

  async join(id: string, pid: number): Promise<void> {
    if (!this.#begun.has(id)) return;
    try {
      await this.#networks.join(id, pid);
    } catch (error) {
      this.onFailed(id, error);
    }
  }

  /** IPv4 address of the container's link; undefined where it has none. */
  addressOf(id: string): string | undefined {
    return this.#networks.addressOf(id);
  }

  async remove(id: string): Promise<void> {
    this.#begun.delete(id);
    await this.#networks.remove(id);
  }
}
