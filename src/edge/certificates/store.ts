/**
 * Certificates on disk, as the edge reads them at each handshake: `<dir>/<name>/pair.pem`, the key and the chain in one file,
 * so that both change in the same moment. Root writes, the edge reads, nobody else does either.
 */
import type { X509Certificate } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/files.ts';
import type { Pair } from './check-pair.ts';
import { parseChain } from './x509.ts';

const PAIR = 'pair.pem';
/** The key of a certificate that was asked for and is not here yet; root alone. */
const NEXT_KEY = 'next.key';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export class CertificateStore {
  readonly #dir: string;
  readonly #owner: Owner;

  /** @param owner root, and the group of the edge */
  constructor(dir: string, owner: Owner) {
    this.#dir = dir;
    this.#owner = owner;
  }

  async prepare(): Promise<void> {
    await this.#makeDir(this.#dir);
  }

  /** The edge shows it from its next handshake on. Durable. */
  async put(name: string, { chainPem, keyPem }: Pair): Promise<void> {
    await this.#makeDir(join(this.#dir, name));
    await writeFileAtomic(join(this.#dir, name, PAIR), `${keyPem}${chainPem}`, { mode: 0o440, owner: this.#owner });
  }

  /** The certificate in use for this name. */
  async leaf(name: string): Promise<X509Certificate | undefined> {
    const text = await readFile(join(this.#dir, name, PAIR), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : parseChain(text)[0];
  }

  /** The name gets no certificate any more. Idempotent. */
  async remove(name: string): Promise<void> {
    await rm(join(this.#dir, name), { recursive: true, force: true });
  }

  /** Kept until the certificate is here, so that an order outlives the daemon. */
  async keepNextKey(name: string, keyPem: string): Promise<void> {
    await this.#makeDir(join(this.#dir, name));
    await writeFileAtomic(join(this.#dir, name, NEXT_KEY), keyPem, { mode: 0o600 });
  }

  nextKey(name: string): Promise<string | undefined> {
    return readFile(join(this.#dir, name, NEXT_KEY), 'utf8').catch(() => undefined);
  }

  async dropNextKey(name: string): Promise<void> {
    await rm(join(this.#dir, name, NEXT_KEY), { force: true });
  }

  /** Names that have anything here. */
  names(): Promise<string[]> {
    return readdir(this.#dir);
  }

  async #makeDir(dir: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    await chown(dir, this.#owner.uid, this.#owner.gid);
    await chmod(dir, 0o750);
  }
}
