/** What may be deployed: an image without known holes that an update closes, where the operator wants it so. */
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Severity } from '../domain/severity.ts';
import type { OciStore } from '../image/oci/oci-store.ts';
import { waitingHoles } from '../image/oci/scan/holes.ts';
import type { ScanReply } from '../image/oci/scan/scan.ts';
import { printable } from '../lib/printable.ts';

export interface ImageGateDeps {
  readonly images: Pick<OciStore, 'scan'>;
  readonly emit: EventSink;
  readonly settings: {
    readonly imageScan: 'off' | 'warn' | 'refuse';
    /** Holes below it do not count. */
    readonly imageScanSeverity: Severity;
  };
}

export interface Admission {
  readonly domain: string;
  /** The image comes in unseen, which is an event. Default: no. */
  readonly ignoreScan?: boolean | undefined;
}

/** More are counted, not named. */
const NAMED = 10;

export class ImageGate {
  readonly #deps: ImageGateDeps;

  constructor(deps: ImageGateDeps) {
    this.#deps = deps;
  }

  /** An image of which nothing can be said counts as one with holes. @param image its id @throws SubakoError `image_refused` naming the packages */
  async admit(image: string, { domain, ignoreScan = false }: Admission): Promise<void> {
    const { emit, settings } = this.#deps;
    if (settings.imageScan === 'off') return;
    const warn = (cause: string): void => emit({ type: 'image.warned', site: domain, cause, facts: { image } });
    if (ignoreScan) return warn('it was not scanned: --ignore-scan');
    const fault = await this.#faultOf(image);
    if (fault === undefined) return;
    if (settings.imageScan === 'warn') return warn(fault);
    emit({ type: 'image.refused', site: domain, cause: fault, facts: { image } });
    throw new SubakoError('image_refused', `the image may not be deployed: ${fault}`, {
      hint: 'subako image scan IMAGE shows all; build it anew on a newer base, or give --ignore-scan',
      facts: { image },
    });
  }

  async #faultOf(image: string): Promise<string | undefined> {
    const never = new AbortController().signal;
    const scanned = await this.#deps.images.scan(image, { progress: () => undefined, signal: never }).catch(asSubakoError);
    return scanned instanceof SubakoError ? scanned.message : faultIn(scanned, this.#deps.settings.imageScanSeverity);
  }
}

/** A clause; undefined where nothing waits. Pure. */
function faultIn({ updates, holes }: Pick<ScanReply, 'updates' | 'holes'>, least: Severity): string | undefined {
  const names = [...new Set([...updates, ...waitingHoles(holes, least)].map((one) => one.package))].toSorted();
  if (names.length === 0) return undefined;
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `security updates wait for ${printable(names.slice(0, NAMED).join(', '))}${more}`;
}
