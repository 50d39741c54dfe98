/** Every short form of a compose file in its long one, so that several files can be laid on one another. What has a wrong shape stays as it is; the schema refuses it. Pure. */

type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function canonical(file: Mapping): Mapping {
  const { services } = file;
  return isMapping(services) ? { ...file, services: mapValues(services, (service) => (isMapping(service) ? canonicalService(service) : service)) } : file;
}

const FORMS: Readonly<Record<string, (value: unknown) => unknown>> = {
  build: (value) => (typeof value === 'string' ? { context: value } : isMapping(value) ? change(value, { args: pairs }) : value),
  environment: pairs,
  labels: pairs,
  sysctls: pairs,
  annotations: pairs,
  depends_on: (value) => (Array.isArray(value) ? fromList(value, () => ({ condition: 'service_started' })) : value),
  networks: (value) => (Array.isArray(value) ? fromList(value, () => null) : value),
  volumes: (value) => each(value, (one) => (typeof one === 'string' ? volume(one) : one)),
  ports: (value) => (Array.isArray(value) ? value.flatMap(port) : value),
  secrets: (value) => each(value, (one) => (typeof one === 'string' ? { source: one } : one)),
  configs: (value) => each(value, (one) => (typeof one === 'string' ? { source: one } : one)),
  tmpfs: list,
  dns: list,
  dns_search: list,
  label_file: list,
  env_file: (value) => each(list(value), (one) => (typeof one === 'string' ? { path: one } : one)),
  extra_hosts: (value) => (isMapping(value) ? Object.entries(value).flatMap(([name, ip]) => list(ip).map((one) => `${name}:${String(one)}`)) : value),
};

function canonicalService(service: Mapping): Mapping {
  return change(service, FORMS);
}

function change(value: Mapping, forms: Readonly<Record<string, (value: unknown) => unknown>>): Mapping {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, Object.hasOwn(forms, key) && one !== null ? forms[key]?.(one) : one]));
}

function mapValues(value: Mapping, work: (one: unknown) => unknown): Mapping {
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, work(one)]));
}

function each(value: unknown, work: (one: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(work) : value;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function fromList(value: readonly unknown[], make: () => unknown): Mapping {
  return Object.fromEntries(value.map((name) => [String(name), make()]));
}

/** `NAME=value`; `NAME` alone is null: whoever types the command may have a value for it. */
function pairs(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return Object.fromEntries(
    value.map((pair) => {
      const text = String(pair);
      const at = text.indexOf('=');
      return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** `[SOURCE:]TARGET[:MODE]`. */
function volume(text: string): unknown {
  const [first = '', second, modes, ...more] = text.split(':');
  if (more.length > 0) return text;
  if (second === undefined) return { type: 'volume', target: first };
  const options = (modes ?? '').split(',').filter(Boolean);
  // Labels of SELinux and how mounts spread mean nothing here, and harm nothing.
  if (options.some((option) => !/^(?:ro|rw|z|Z|cached|delegated|consistent|nocopy)$/u.test(option))) return text;
  const type = /^[./~]/u.test(first) ? 'bind' : 'volume';
  return { type, source: first, target: second, ...(options.includes('ro') ? { read_only: true } : {}) };
}

const PORT = /^(?:(?<ip>\[[^\]]+\]|\d+\.\d+\.\d+\.\d+):)?(?:(?<from>\d*)(?:-(?<to>\d+))?:)?(?<target>\d+)(?:-(?<last>\d+))?(?:\/(?<protocol>\w+))?$/u;

/** `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, with ranges; what is none stays, to be refused. */
function port(value: unknown): unknown[] {
  if (isMapping(value)) return [value];
  const groups = PORT.exec(String(value))?.groups;
  if (groups === undefined) return [value];
  const { ip, from = '', to, target = '', last, protocol } = groups;
  const count = Number(last ?? target) - Number(target) + 1;
  const published = from === '' ? 1 : Number(to ?? from) - Number(from) + 1;
  // A range of the machine's for a single port means any of them; it is refused as it stands.
  if (count < 1 || count > 1_000 || (from !== '' && published !== count)) return [value];
  return Array.from({ length: count }, (_, index) => ({
    target: Number(target) + index,
    ...(from === '' ? {} : { published: String(Number(from) + index) }),
    ...(ip === undefined ? {} : { host_ip: ip }),
    ...(protocol === undefined ? {} : { protocol }),
  }));
}
