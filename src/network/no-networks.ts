/** Driver: no container has a network. */
import { SubakoError } from '../domain/errors.ts';
import type { Member, Network, Networks, Place } from './networks.ts';

export class NoNetworks implements Networks {
  readonly name = 'none';
  readonly #why: string;

  /** @param why as a clause, for people */
  constructor(why: string) {
    this.#why = why;
  }

  begin(): void {
    // Nothing to make.
  }

  async join(): Promise<Network> {
    throw this.#unfit();
  }

  async open(): Promise<void> {
    throw this.#unfit();
  }

  addressOf(): undefined {
    return undefined;
  }

  address6Of(): undefined {
    return undefined;
  }

  async connect(): Promise<void> {
    throw this.#unfit();
  }

  async disconnect(): Promise<void> {
    // There is none.
  }

  members(): Member[] {
    return [];
  }

  placesOf(): Place[] {
    return [];
  }

  async remove(): Promise<void> {
    // There is none.
  }

  async sweep(): Promise<string[]> {
    return [];
  }

  async end(): Promise<void> {
    // Nothing was changed.
  }

  #unfit(): SubakoError {
    return new SubakoError('host_unfit', `containers have no network: ${this.#why}`, { hint: 'subako doctor tells more' });
  }
}
