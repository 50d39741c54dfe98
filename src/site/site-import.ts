/** A site that was elsewhere: a new site, with that one's files and database. Whole, or nothing of it is left. */
import { stat } from 'node:fs/promises';
import { SubakoError } from '../domain/errors.ts';
import type { EventSink } from '../domain/events.ts';
import type { Site } from '../domain/site.ts';
import { guardDisk } from '../image/oci/disk-guard.ts';
import { formatSize } from '../lib/units.ts';
import type { Addresses } from './addresses.ts';
import { tarOf } from './archive.ts';
import type { Dumps, Working } from './dumps.ts';
import { RENEWED, UNPACKED } from './owner-types.ts';
import type { ReplacedReply } from './owner-types.ts';
import type { Owner } from './owner.ts';
import type { SiteTools } from './site-tools.ts';
import type { Sites } from './sites.ts';

export interface SiteImportDeps {
  readonly sites: Sites;
  readonly dumps: Dumps;
  readonly owner: Owner;
  readonly tools: SiteTools;
  readonly addresses: Addresses;
  readonly emit: EventSink;
  /** Bytes that an archive may hold, unpacked. */
  readonly importSizeLimit: number;
  /** On the disk that sites lie on. */
  readonly dir: string;
}

export interface ImportRequest {
  readonly domain: string;
  /** Absolute paths on this machine. */
  readonly files?: string | undefined;
  readonly db: string;
  /** Default: what the dump says. */
  readonly fromUrl?: string | undefined;
  /** Default: the site's own. */
  readonly toUrl?: string | undefined;
  readonly prefix?: string | undefined;
}

export interface ImportedReply {
  readonly domain: string;
  readonly url: string;
  readonly files: { readonly count: number; readonly bytes: number };
  /** What of the files was not taken, and why. */
  readonly leftOut: readonly { readonly what: string; readonly count: number; readonly such: readonly string[] }[];
  readonly tables: number;
  readonly prefix: string;
  readonly fromUrls: readonly string[];
  readonly replaced: ReplacedReply;
  /** Who can log in: the passwords are those they had. */
  readonly administrators: readonly string[];
  readonly notes: readonly string[];
}

const UNPACK_TIMEOUT_MS = 12 * 3_600_000;
const RENEW_TIMEOUT_MS = 600_000;

export class SiteImport {
  readonly #deps: SiteImportDeps;

  constructor(deps: SiteImportDeps) {
    this.#deps = deps;
  }

  /** @throws SubakoError what went wrong; then the site is gone again */
  async import(request: ImportRequest, working: Working): Promise<ImportedReply> {
    const { sites, dumps, owner, tools, emit, addresses } = this.#deps;
    const { progress, signal } = working;
    for (const path of [request.db, ...(request.files === undefined ? [] : [request.files])]) await mustBeThere(path);
    const given = request.fromUrl === undefined ? undefined : [siteUrl(request.fromUrl)];
    const wanted = request.toUrl === undefined ? undefined : siteUrl(request.toUrl);

    await using undo = new AsyncDisposableStack();
    progress('making the site');
    const { site } = await sites.create({ domain: request.domain });
    undo.defer(() => sites.remove(site.domain).catch((error: unknown) => emit({ type: 'site.undone', site: site.domain, cause: `not yet: ${String(error)}` })));
    const unpacked = request.files === undefined ? { files: 0, bytes: 0, leftOut: [] } : await this.#unpack(site, request.files, working);
    const loaded = await dumps.import(site, { file: request.db, prefix: request.prefix }, working);
    const from = given ?? loaded.urls.map(siteUrl).toSorted((a, b) => b.length - a.length);
    // Asked now: it may have got its certificate meanwhile.
    const url = addresses.urlOf(site);
    const replaced = await owner.replaceUrls(site, { from, to: wanted ?? siteUrl(url) }, working);
    progress('bringing its tables up to date');
    const renewed = RENEWED.parse(await tools.run(site, 'renew', { input: {}, timeoutMs: RENEW_TIMEOUT_MS, signal }));
    await owner.settle(site);
    signal.throwIfAborted();
    undo.move();
    emit({ type: 'site.changed', site: site.domain, cause: 'imported', facts: { files: unpacked.files, tables: loaded.tables } });
    return {
      domain: site.domain,
      url,
      files: { count: unpacked.files, bytes: unpacked.bytes },
      leftOut: unpacked.leftOut,
      tables: loaded.tables,
      prefix: loaded.prefix,
      fromUrls: from,
      replaced,
      administrators: renewed.administrators,
      notes: notesOf(renewed, request),
    };
  }

  async #unpack(site: Site, files: string, { progress, signal }: Working): Promise<ReturnType<(typeof UNPACKED)['parse']>> {
    const { tools, dir, importSizeLimit } = this.#deps;
    const onProgress = (told: Readonly<Record<string, unknown>>): void =>
      progress(`unpacking: ${Number(told['files'])} files, ${formatSize(Number(told['bytes']))}`);
    const file = await tarOf(files, importSizeLimit);
    await using end = new AsyncDisposableStack();
    end.defer(async () => void file.destroy());
    return await guardDisk({ dir, mayGrow: Infinity, signal, hint: 'nothing of the site was kept' }, async (guarded) =>
      UNPACKED.parse(await tools.run(site, 'unpack', { input: {}, file, timeoutMs: UNPACK_TIMEOUT_MS, onProgress, signal: guarded })),
    );
  }
}

function notesOf({ upgradedFrom, missingPlugins, theme, themeThere }: ReturnType<(typeof RENEWED)['parse']>, { files }: ImportRequest): string[] {
  return [
    ...(upgradedFrom === null ? [] : [`its tables were those of an older WordPress (${upgradedFrom}) and were brought up to date`]),
    ...(missingPlugins.length === 0 ? [] : [`active, but not among the files: ${missingPlugins.join(', ')}`]),
    ...(themeThere ? [] : [`its theme “${theme}” is not among the files`]),
    ...(files === undefined ? ['no files were given: pictures and plugins are missing'] : []),
  ];
}

async function mustBeThere(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new SubakoError('not_found', `${path} is not there`, { hint: 'paths are of this machine' });
}

/** Scheme, host, port and path, without a slash at the end. @throws SubakoError `bad_usage` */
function siteUrl(text: string): string {
  const match = /^(https?:\/\/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[^\s?#"'<>]*)?)$/iu.exec(text.trim());
  if (match?.[1] !== undefined) return match[1].replace(/\/+$/u, '');
  throw new SubakoError('bad_usage', `${JSON.stringify(text.slice(0, 100))} is not the address of a site`, {
    hint: 'give it as --from-url https://www.example.org',
  });
}
