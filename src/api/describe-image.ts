/** An image as the API and `--json` show it. */
import { parseHistory } from '../image/oci/image-config.ts';
import type { OciImageConfig } from '../image/oci/oci-image.ts';
import type { StoredImage } from '../image/oci/storage-files.ts';

export interface ImageRow {
  readonly id: string;
  readonly names: readonly string[];
  /** Of its manifests: what registries call it by. */
  readonly digests: readonly string[];
  /** Unix time in milliseconds. */
  readonly createdAt: number;
  readonly sizeBytes: number;
  readonly usedBy: readonly string[];
}

export interface ImageReply extends ImageRow {
  readonly layers: readonly { readonly id: string; readonly sizeBytes: number }[];
  readonly config: OciImageConfig;
}

/** The newest first. */
export interface HistoryRow {
  readonly createdAt: number | null;
  readonly createdBy: string;
  readonly comment: string;
  readonly sizeBytes: number;
}

export function imageRow({ id, names, digestNames, manifestDigests, createdAt, sizeBytes }: StoredImage, usedBy: readonly string[]): ImageRow {
  return { id, names: [...names, ...digestNames], digests: manifestDigests, createdAt, sizeBytes, usedBy };
}

export function describeImage(image: StoredImage, usedBy: readonly string[]): ImageReply {
  const layers = image.layerIds.map((id, index) => ({ id, sizeBytes: image.layerSizes[index] ?? 0 }));
  return { ...imageRow(image, usedBy), layers, config: image.config };
}

export function describeHistory({ configuration, layerSizes }: StoredImage): HistoryRow[] {
  const sizes = layerSizes.toReversed();
  let layer = 0;
  const rows = parseHistory(configuration).map(({ createdAt, createdBy, comment, isEmpty }) => ({
    createdAt,
    createdBy,
    comment,
    sizeBytes: isEmpty ? 0 : (sizes[layer++] ?? 0),
  }));
  return rows.toReversed();
}
