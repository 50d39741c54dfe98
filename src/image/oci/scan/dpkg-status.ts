/** Packages that dpkg's database, or a list of an archive, names. An image's database is a stranger's text. */

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** The source package it was built from. */
  readonly source: string;
}

const NAME = /^[a-z0-9][a-z0-9+.-]{0,100}$/u;
const VERSION = /^[0-9][A-Za-z0-9.+:~-]{0,200}$/u;

/** Those that are installed; an entry that does not say it (as images without dpkg have them) counts as installed. */
export function parseStatus(text: string): DebianPackage[] {
  return stanzas(text)
    .filter((fields) => (fields.get('Status') ?? 'install ok installed').endsWith(' installed'))
    .flatMap(toPackage);
}

/** The newest version of each package of an archive's list is last in the answer's order of the list. */
export function parsePackages(text: string): DebianPackage[] {
  return stanzas(text).flatMap(toPackage);
}

function toPackage(fields: ReadonlyMap<string, string>): DebianPackage[] {
  const name = fields.get('Package') ?? '';
  const version = fields.get('Version') ?? '';
  // A source may carry a version of its own: `openssl (3.0.15-1)`.
  const source = (fields.get('Source') ?? name).split(' ')[0] ?? name;
  return NAME.test(name) && VERSION.test(version) ? [{ name, version, source: NAME.test(source) ? source : name }] : [];
}

const WANTED: ReadonlySet<string> = new Set(['Package', 'Version', 'Source', 'Status']);

function stanzas(text: string): ReadonlyMap<string, string>[] {
  return text.split(/\n(?:[ \t]*\n)+/u).map((stanza) => {
    const fields = new Map<string, string>();
    for (const line of stanza.split('\n')) {
      const colon = line.indexOf(':');
      const field = line.slice(0, colon);
      if (colon > 0 && WANTED.has(field) && !fields.has(field)) fields.set(field, line.slice(colon + 1).trim());
    }
    return fields;
  });
}
