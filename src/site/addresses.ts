/** How sites are addressed: the one place that puts scheme, name and port together. */
import type { Site } from '../domain/site.ts';

type Scheme = 'http' | 'https';
type Named = Pick<Site, 'domain' | 'settings'>;

const USUAL_PORTS = { http: 80, https: 443 } as const;

export interface AddressesOptions {
  /** Ports that visitors use. */
  readonly ports: Readonly<Record<Scheme, number>>;
  /** Whether browsers take the certificate of this name without having been told to. */
  readonly isBelieved: (name: string) => boolean;
}

export class Addresses {
  readonly #options: AddressesOptions;

  constructor(options: AddressesOptions) {
    this.#options = options;
  }

  /**
   * What to give to people, with a slash at the end: by https where http is sent on to it, or where the name has a certificate that everybody
   * believes. (Our own authority is believed by those alone who were told to.)
   */
  urlOf(site: Named): string {
    const byHttps = site.settings.https === 'redirect' || this.#options.isBelieved(site.domain);
    return `${this.#origin(byHttps ? 'https' : 'http', site.domain)}/`;
  }

  /** Both addresses of a name, without path, such as `http://a.example:8080`. */
  originsOf(name: string): [http: string, https: string] {
    return [this.#origin('http', name), this.#origin('https', name)];
  }

  #origin(scheme: Scheme, name: string): string {
    const port = this.#options.ports[scheme];
    return `${scheme}://${name}${port === USUAL_PORTS[scheme] ? '' : `:${port}`}`;
  }
}
