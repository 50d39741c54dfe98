/** PHP settings of a site: an allow-list with bounds. Pure. */
import { SubakoError } from '../domain/errors.ts';

interface PhpSetting {
  readonly kind: 'size' | 'number';
  readonly least: number;
  readonly most: number;
  readonly what: string;
  /** As in the image's php.ini. */
  readonly usual: string;
}

const MIB = 1024 ** 2;
/** What else is in a form with an upload. */
const FORM = 8 * MIB;

/** None of these opens a way that was closed: they are amounts. The most of a body is what the edge takes (see render-nginx.ts). */
export const PHP_SETTINGS: Readonly<Record<string, PhpSetting>> = {
  memory_limit: { kind: 'size', least: 32 * MIB, most: 4096 * MIB, what: 'memory of one request', usual: '128M' },
  upload_max_filesize: { kind: 'size', least: MIB, most: 128 * MIB, what: 'one uploaded file', usual: '64M' },
  post_max_size: { kind: 'size', least: MIB, most: 136 * MIB, what: 'the body of a request', usual: '72M' },
  max_execution_time: { kind: 'number', least: 5, most: 300, what: 'seconds that a request may run', usual: '120' },
  max_input_time: { kind: 'number', least: 5, most: 300, what: 'seconds that reading a request may take', usual: '120' },
  max_input_vars: { kind: 'number', least: 100, most: 100_000, what: 'fields of a form', usual: '5000' },
};

/**
 * @param value `default` gives the image's own back
 * @throws SubakoError `bad_setting`
 */
export function changePhp(php: Readonly<Record<string, string>>, name: string, value: string): Readonly<Record<string, string>> {
  const setting = Object.hasOwn(PHP_SETTINGS, name) ? PHP_SETTINGS[name] : undefined;
  if (setting === undefined) {
    const known = Object.keys(PHP_SETTINGS).map((one) => `php.${one}`);
    throw new SubakoError('bad_setting', `php.${name} cannot be set`, { hint: `the PHP settings are ${known.join(', ')}` });
  }
  if (value === 'default') {
    const { [name]: _gone, ...rest } = php;
    return rest;
  }
  const amount = amountOf(setting, value);
  if (amount === undefined || amount < setting.least || amount > setting.most) {
    throw new SubakoError(
      'bad_setting',
      `“php.${name}=${value}” is not right: it is ${setting.what}, from ${shown(setting, setting.least)} to ${shown(setting, setting.most)}`,
      {
        hint: `write it like php.${name}=${setting.usual}, or php.${name}=default`,
      },
    );
  }
  return { ...php, [name]: shown(setting, amount) };
}

/** @throws SubakoError `bad_setting` where settings contradict each other */
export function refuseMisfits(php: Readonly<Record<string, string>>, memoryBytes: number): void {
  const upload = bytesOf(php['upload_max_filesize']);
  const post = bytesOf(php['post_max_size']);
  if (post !== undefined && (upload ?? 64 * MIB) > post) {
    throw new SubakoError('bad_setting', 'an uploaded file would be larger than the body it comes in', {
      hint: 'make php.post_max_size larger than php.upload_max_filesize',
    });
  }
  const memory = bytesOf(php['memory_limit']);
  if (memory !== undefined && memory > memoryBytes) {
    throw new SubakoError('bad_setting', 'one request may have more memory than the whole container', { hint: 'raise memory= first, or in the same command' });
  }
}

/** The text of the file that PHP reads at each request. A larger upload makes room in the body by itself. */
export function renderPhpIni(php: Readonly<Record<string, string>>): string {
  const upload = bytesOf(php['upload_max_filesize']);
  const post = upload === undefined || php['post_max_size'] !== undefined ? {} : { post_max_size: `${Math.ceil((upload + FORM) / MIB)}M` };
  const lines = Object.entries({ ...post, ...php }).filter(([name]) => Object.hasOwn(PHP_SETTINGS, name));
  return `; Written by Subako (site set php.…).\n${lines.map(([name, value]) => `${name} = ${value}\n`).join('')}`;
}

function amountOf({ kind }: PhpSetting, value: string): number | undefined {
  const match = (kind === 'size' ? /^(\d{1,5})([MG])$/iu : /^(\d{1,7})()$/u).exec(value);
  if (match === null) return undefined;
  const unit = kind === 'number' ? 1 : match[2]?.toUpperCase() === 'G' ? 1024 * MIB : MIB;
  return Number(match[1]) * unit;
}

function bytesOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number.parseInt(value, 10) * MIB;
}

function shown({ kind }: PhpSetting, amount: number): string {
  return kind === 'size' ? `${amount / MIB}M` : String(amount);
}
