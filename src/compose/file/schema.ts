/** What of the Compose specification is understood, in its long forms. Keys that are not are looked at before (see unsupported.ts). */
import { z } from 'zod';

/** YAML makes numbers of what is meant as text. */
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((one) => one === 'true')]);
const number = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d+(?:\.\d+)?$/u, 'must be a number')
    .transform(Number),
]);
const count = number.pipe(z.int().min(0));
const nullable = <T extends z.ZodType>(schema: T) => schema.nullish().transform((one) => one ?? undefined);
const words = z.union([z.string(), z.array(text)]);
const pairs = z.record(z.string(), z.union([text, z.null()]));
const name = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/u, 'must be a name of letters, digits, dots, dashes and underscores');

const build = z.strictObject({
  context: z.string().default('.'),
  dockerfile: z.string().optional(),
  args: pairs.default({}),
  target: z.string().optional(),
  no_cache: flag.default(false),
  network: z.enum(['default', 'none', 'host']).default('default'),
});

const dependency = z.strictObject({
  condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']).default('service_started'),
  required: flag.default(true),
  restart: flag.optional(),
});

const healthcheck = z.strictObject({
  test: words.optional(),
  interval: text.optional(),
  timeout: text.optional(),
  retries: count.optional(),
  start_period: text.optional(),
  start_interval: text.optional(),
  disable: flag.default(false),
});

const volume = z.strictObject({
  type: z.enum(['volume', 'bind', 'tmpfs']),
  source: z.string().optional(),
  target: z.string(),
  read_only: flag.default(false),
  consistency: z.string().optional(),
  bind: z.strictObject({ create_host_path: flag.optional(), selinux: z.string().optional() }).optional(),
  volume: z.strictObject({ nocopy: flag.optional() }).optional(),
  tmpfs: z.strictObject({ size: text.optional() }).optional(),
});

const port = z.strictObject({
  target: count,
  published: text.optional(),
  host_ip: z.string().optional(),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  mode: z.enum(['ingress', 'host']).optional(),
  name: z.string().optional(),
  app_protocol: z.string().optional(),
});

const grant = z.strictObject({ source: name, target: z.string().optional(), uid: text.optional(), gid: text.optional(), mode: text.optional() });
const attachment = nullable(z.strictObject({ aliases: z.array(name).default([]), priority: number.optional() }));

const deploy = z.strictObject({
  mode: z.literal('replicated').optional(),
  replicas: count.optional(),
  resources: z.strictObject({ limits: z.strictObject({ cpus: number.optional(), memory: text.optional(), pids: count.optional() }).optional() }).optional(),
  restart_policy: z.strictObject({ condition: z.enum(['none', 'on-failure', 'any']).default('any'), max_attempts: count.optional() }).optional(),
});

const service = z.strictObject({
  image: z.string().optional(),
  build: build.optional(),
  command: nullable(words),
  entrypoint: nullable(words),
  environment: pairs.default({}),
  env_file: z.array(z.strictObject({ path: z.string(), required: flag.default(true), format: z.enum(['raw']).optional() })).default([]),
  ports: z.array(port).default([]),
  expose: z.array(text).default([]),
  volumes: z.array(volume).default([]),
  networks: z.record(name, attachment).optional(),
  network_mode: z.enum(['none', 'bridge']).optional(),
  depends_on: z.record(name, dependency).default({}),
  healthcheck: healthcheck.optional(),
  profiles: z.array(name).default([]),
  secrets: z.array(grant).default([]),
  configs: z.array(grant).default([]),
  restart: z.union([z.literal(false).transform(() => 'no'), z.string()]).optional(),
  tmpfs: z.array(z.string()).default([]),
  read_only: flag.optional(),
  shm_size: text.optional(),
  mem_limit: text.optional(),
  cpus: number.optional(),
  pids_limit: z.union([z.int(), number]).optional(),
  deploy: deploy.optional(),
  stop_signal: text.optional(),
  stop_grace_period: text.optional(),
  labels: pairs.default({}),
  hostname: text.optional(),
  container_name: name.optional(),
  dns: z.array(z.string()).default([]),
  dns_search: z.array(z.string()).default([]),
  dns_opt: z.array(z.string()).default([]),
  extra_hosts: z.array(z.string()).default([]),
  scale: count.optional(),
  user: text.optional(),
  working_dir: z.string().optional(),
  group_add: z.array(text).default([]),
  cap_add: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  sysctls: pairs.default({}),
  ulimits: z.record(z.string(), z.union([text, z.strictObject({ soft: text, hard: text })])).default({}),
  label_file: z.array(z.string()).default([]),
  links: z.array(z.string()).default([]),
  platform: z.string().optional(),
  tty: flag.optional(),
  stdin_open: flag.optional(),
  pull_policy: z.enum(['always', 'missing', 'if_not_present', 'never', 'build']).optional(),
  'x-subako': z.strictObject({ keep: flag.default(false) }).optional(),
});

const network = nullable(
  z.strictObject({ name: name.optional(), external: flag.default(false), internal: flag.default(false), driver: z.literal('bridge').optional() }),
);
const namedVolume = nullable(z.strictObject({ name: name.optional(), external: flag.default(false), driver: z.literal('local').optional() }));
const secret = z.strictObject({ file: z.string().optional(), environment: z.string().optional(), name: z.string().optional() });
const config = z.strictObject({ file: z.string().optional(), environment: z.string().optional(), content: z.string().optional(), name: z.string().optional() });

const site = z.strictObject({
  domain: z.string().optional(),
  service: name.optional(),
  port: count.optional(),
  health_path: z.string().optional(),
  settings: z.record(z.string(), text).default({}),
});

export const COMPOSE = z.strictObject({
  name: z.string().optional(),
  services: z.record(name, service),
  networks: nullable(z.record(name, network)),
  volumes: nullable(z.record(name, namedVolume)),
  secrets: nullable(z.record(name, secret)),
  configs: nullable(z.record(name, config)),
  'x-subako': site.optional(),
});

export type ComposeFile = z.output<typeof COMPOSE>;
export type ComposeService = ComposeFile['services'][string];
export type ComposeBuild = z.output<typeof build>;
