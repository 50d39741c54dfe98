/** Which of two Debian package versions is the newer one: `[epoch:]upstream[-revision]`, as dpkg compares them. */

/** Below zero: `a` is older; above: newer; zero: the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return left.epoch - right.epoch || comparePart(left.upstream, right.upstream) || comparePart(left.revision, right.revision);
}

interface Version {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string;
}

function split(version: string): Version {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: colon === -1 ? 0 : Number(version.slice(0, colon)) || 0,
    upstream: dash === -1 ? rest : rest.slice(0, dash),
    revision: dash === -1 ? '' : rest.slice(dash + 1),
  };
}

/** By turns a run of other characters, and a run of digits that counts as a number. */
function comparePart(a: string, b: string): number {
  const [left, right] = [runs(a), runs(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const [x, y] = [left[index] ?? '', right[index] ?? ''];
    const difference = index % 2 === 0 ? compareText(x, y) : compareNumber(x, y);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `1.2rc` → `'', '1', '.', '2', 'rc'`: what is no digit at even places. */
function runs(text: string): string[] {
  return text.split(/(\d+)/u);
}

function compareNumber(a: string, b: string): number {
  const [x, y] = [BigInt(a === '' ? 0 : a), BigInt(b === '' ? 0 : b)];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

function compareText(a: string, b: string): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = rank(a[index]) - rank(b[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

const AFTER_LETTERS = 256;

/** A tilde comes before everything, even the end; letters before all other characters. */
function rank(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  return /[A-Za-z]/u.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + AFTER_LETTERS;
}
