/** The networks of a runtime's containers: begun while a container starts, put into it when it runs, gone with it. */
import type { BundleSpec } from './bundle/bundle-spec.ts';
import type { Networks } from '../network/networks.ts';

/** A container goes on without its network when it cannot have one: this tells. Never throws. */
export type NetworkFailed = (id: string, error: unknown) => void;

export class ContainerNetworks {
  readonly #networks: Networks;
  readonly #begun = new Set<string>();
  /** Set once there is somebody to tell. */
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

  /** Of a container that has one. */
  addressOf(id: string): string | undefined {
    return this.#networks.addressOf(id);
  }

  async remove(id: string): Promise<void> {
    this.#begun.delete(id);
    await this.#networks.remove(id);
  }
}
