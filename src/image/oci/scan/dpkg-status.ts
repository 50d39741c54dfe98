/** Packages that dpkg's database, or a list of an archive, names. An image's database is a stranger's text. */

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** The source package it was built from. */
  readonly source: string;
}

const NAME = /^[a-z0-9][a-z0-9+.-]{0,100}$/u;
const VERSION = /^[0-9][A-Za-z0-9.+:~-]{0,200}$/u;

/** All of Debian has no more. */
const MAX_INSTALLED = 100_000;

/**
 * Those that are installed; an entry that does not say it (as images without dpkg have them) counts as installed.
 * @throws RangeError when there are more than there can be
 */
export function parseStatus(text: string): DebianPackage[] {
  const found: DebianPackage[] = [];
  for (const fields of stanzas(text)) {
    if ((fields.get('Status') ?? 'install ok installed').endsWith(' installed')) found.push(...toPackage(fields));
    if (found.length > MAX_INSTALLED) throw new RangeError(`the image's database of packages names more than ${MAX_INSTALLED}`);
  }
  return found;
}

/** The newest version of each package of an archive's list is last in the answer's order of the list. */
export function parsePackages(text: string): DebianPackage[] {
  return Array.from(stanzas(text)).flatMap(toPackage);
}

function toPackage(fields: ReadonlyMap<string, string>): DebianPackage[] {
  const name = fields.get('Package') ?? '';
  const version = fields.get('Version') ?? '';
  // A source may carry a version of its own: `openssl (3.0.15-1)`.
  const source = (fields.get('Source') ?? name).split(' ')[0] ?? name;
  return NAME.test(name) && VERSION.test(version) ? [{ name, version, source: NAME.test(source) ? source : name }] : [];
}

const WANTED: ReadonlySet<string> = new Set(['Package', 'Version', 'Source', 'Status']);

/** One after the other: all at once would take many times the memory of the text. */
function* stanzas(text: string): Generator<ReadonlyMap<string, string>, undefined> {
  let fields = new Map<string, string>();
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(at, end);
    at = end + 1;
    if (/^[ \t]*$/u.test(line)) {
      yield fields;
      fields = new Map();
      continue;
    }
    const colon = line.indexOf(':');
    const field = line.slice(0, colon);
    if (colon > 0 && WANTED.has(field) && !fields.has(field)) fields.set(field, line.slice(colon + 1).trim());
  }
  yield fields;
  return undefined;
}
