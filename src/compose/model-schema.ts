/** A model as it comes over the API: what the command line makes of a compose file, and nothing else. */
import { z } from 'zod';
import { SubakoError } from '../domain/errors.ts';
import type { ProjectModel } from '../domain/project.ts';

const name = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/u);
const text = z.string().max(131_072);
const texts = z.array(text).max(2_000);
const id = z.int().min(0).max(65_535);

const container = z.strictObject({
  image: z.string().min(1).max(600),
  name: name.optional(),
  command: texts.optional(),
  entrypoint: texts.optional(),
  env: texts,
  user: text.optional(),
  workdir: text.optional(),
  hostname: text.optional(),
  tty: z.boolean().optional(),
  interactive: z.boolean().optional(),
  memory: text.optional(),
  cpus: z.number().optional(),
  pids: z.number().optional(),
  shmSize: text.optional(),
  readOnly: z.boolean().optional(),
  tmpfs: texts,
  volumes: texts,
  publish: texts,
  network: z.enum(['default', 'none']).optional(),
  networks: z.array(z.strictObject({ name, aliases: z.array(name).max(100) })).max(100),
  dns: texts.optional(),
  dnsSearch: texts.optional(),
  dnsOptions: texts.optional(),
  extraHosts: texts,
  restart: text.optional(),
  stopSignal: text.optional(),
  stopTimeout: z.number().min(0).max(86_400).optional(),
  healthArgv: texts.optional(),
  healthCmd: text.optional(),
  healthInterval: text.optional(),
  healthTimeout: text.optional(),
  healthStartPeriod: text.optional(),
  healthStartInterval: text.optional(),
  healthRetries: z.number().optional(),
  capAdd: texts.optional(),
  capDrop: texts.optional(),
  ulimits: texts.optional(),
  sysctls: texts.optional(),
  securityOptions: texts.optional(),
  groups: texts.optional(),
  labels: texts,
});

const service = z.strictObject({
  name,
  replicas: z.int().min(0).max(100),
  container,
  dependsOn: z.array(z.strictObject({ service: name, condition: z.enum(['started', 'healthy', 'completed']), restart: z.boolean().optional() })).max(200),
  files: z
    .array(
      z.strictObject({
        content: z.string().max(300),
        digest: z.string().regex(/^[0-9a-f]{64}$/u),
        destination: text,
        uid: id,
        gid: id,
        mode: z.int().min(0).max(0o777),
      }),
    )
    .max(200),
  keep: z.boolean(),
});

const MODEL = z.strictObject({
  services: z.array(service).min(1).max(200),
  networks: z.array(z.strictObject({ name, external: z.boolean(), internal: z.boolean() })).max(200),
  volumes: z.array(z.strictObject({ name, external: z.boolean() })).max(200),
  site: z
    .strictObject({
      domain: z.string().max(1_000),
      service: name,
      port: z.int().min(1).max(65_535),
      healthPath: text.optional(),
      settings: z.array(text).max(100),
    })
    .optional(),
});

/** @throws SubakoError `bad_usage` */
export function parseModel(value: unknown): ProjectModel {
  const parsed = MODEL.safeParse(value);
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) throw new SubakoError('bad_usage', `the project is not understood at ${issue.path.map(String).join('.')}: ${issue.message}`);
  return parsed.data as ProjectModel;
}
