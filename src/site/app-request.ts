/** What somebody asks for who makes a site from an image, checked. Pure. */
import { dirname, normalize } from 'node:path';
import type { App, AppUser, AppVolume, Listening } from '../domain/app.ts';
import { checkMemberships } from '../container/parse-network.ts';
import { membershipsOf } from '../domain/network.ts';
import type { NetworkMembership } from '../domain/network.ts';
import { SubakoError } from '../domain/errors.ts';
import { isOfKernel, mountPlace } from '../domain/mount-place.ts';
import type { OciImageConfig } from '../image/oci/oci-image.ts';
import { INSTANCE_VARIABLE } from '../runtime/bundle/bundle-spec.ts';

export interface AppRequest {
  readonly image: string;
  readonly port?: number | undefined;
  readonly socket?: string | undefined;
  /** `NAME=value`. */
  readonly env?: readonly string[] | undefined;
  /** `NAME:PATH`. */
  readonly volumes?: readonly string[] | undefined;
  readonly healthPath?: string | undefined;
  readonly command?: readonly string[] | undefined;
  readonly networks?: readonly NetworkMembership[] | undefined;
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/u;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/u;
const HEALTH_PATH = /^\/[\u0021-\u007E]{0,999}$/u;
/** A Unix socket's address holds 107 bytes. */
const SOCKET = /^\/[\w./-]{1,106}$/u;
const MAX_ENVIRONMENT = 128 * 1024;
const MAX_COMMAND = 64 * 1024;

/** @throws SubakoError `bad_setting` naming what is wrong */
export function toApp(request: AppRequest, image: OciImageConfig, user: AppUser): App {
  const listens = listensOf(request, image);
  const volumes = (request.volumes ?? []).map(volumeOf);
  refuseTwice([...volumes.map(({ path }) => path), ...('socket' in listens ? [dirname(listens.socket)] : [])]);
  const { command, healthPath } = request;
  refuseUnusable(image, command);
  if (healthPath !== undefined && !HEALTH_PATH.test(healthPath)) throw bad(`${shown(healthPath)} is no path of a web address`, 'write it like /healthz');
  return {
    imageName: request.image,
    listens,
    env: environment(request.env ?? []),
    volumes,
    user,
    ...networksOf(request),
    ...(command === undefined ? {} : { command }),
    ...(healthPath === undefined ? {} : { healthPath }),
  };
}

/** Whether it has a way out besides, its settings say. */
function networksOf({ networks = [] }: AppRequest): Pick<App, 'networks'> {
  const checked = membershipsOf({ networks: checkMemberships(networks) });
  return checked.length === 0 ? {} : { networks: checked };
}

function listensOf({ port, socket }: AppRequest, { exposedPorts }: OciImageConfig): Listening {
  if (port !== undefined && socket !== undefined) throw bad('it listens at a port or at a socket, not at both', 'give --port or --socket');
  if (socket !== undefined) return { socket: socketOf(socket) };
  const exposed = exposedPorts.map((one) => /^(\d{1,5})(?:\/tcp)?$/u.exec(one)?.[1]).filter((one) => one !== undefined);
  const wanted = port ?? (exposed.length === 1 ? Number(exposed[0]) : undefined);
  if (wanted === undefined)
    throw bad(`the image names ${exposed.length === 0 ? 'no port' : `the ports ${exposed.join(', ')}`}`, 'say where it listens: --port 8080');
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= 65_535) return { port: wanted };
  throw bad(`${wanted} is no port`, 'give one from 1 to 65535');
}

function socketOf(path: string): string {
  const dir = dirname(path);
  if (SOCKET.test(path) && normalize(path) === path && !path.endsWith('/') && mountPlace(dir) !== undefined) return path;
  throw bad(`${shown(path)} is no place for a socket`, 'give it a directory of its own, such as /run/app/app.sock; that directory is the platform’s');
}

/** `NAME=value` each. @throws SubakoError `bad_setting` */
export function environment(pairs: readonly string[]): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at));
    // The pair itself may be a secret whose name was forgotten.
    if (at < 1 || !VARIABLE.test(name)) throw bad('a variable has no usable name', 'write it like NAME=value');
    if (name === INSTANCE_VARIABLE) throw bad(`${INSTANCE_VARIABLE} is the platform’s own`);
    if (pair.includes('\0')) throw bad(`the value of ${name} holds a null character`);
    env[name] = pair.slice(at + 1);
  }
  if (Buffer.byteLength(JSON.stringify(env)) > MAX_ENVIRONMENT)
    throw bad(`the variables are larger than ${MAX_ENVIRONMENT / 1024} KiB`, 'put files into a volume');
  return env;
}

function volumeOf(text: string): AppVolume {
  const at = text.indexOf(':');
  const [name, path] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  if (!NAME.test(name)) throw bad(`${shown(text)} is no volume`, 'write it like data:/var/lib/data; its name has lower case letters, digits and _ . -');
  const place = mountPlace(path);
  if (place !== undefined) return { name, path: place };
  throw bad(`nothing can be mounted at ${shown(path)}`, 'give an absolute path that is not the system’s, such as /var/lib/data');
}

function refuseTwice(places: readonly string[]): void {
  const twice = places.find((one, index) => places.indexOf(one) !== index);
  if (twice !== undefined) throw bad(`two things are to be at ${twice}`);
}

/** @param command in the place of the image's own @throws SubakoError `bad_setting` when no app can be made of the image */
export function refuseUnusable({ entrypoint, cmd, workingDir }: OciImageConfig, command: readonly string[] = cmd): void {
  const args = [...entrypoint, ...command];
  // What the kernel shows there may be a way out of the container.
  if (isOfKernel(normalize(workingDir))) throw bad(`no program can begin in ${shown(workingDir)}, as the image says`, 'build it with another WORKDIR');
  if (args.length === 0 || args[0] === '') throw bad('the image names no command', 'give one after --');
  if (args.some((arg) => arg.includes('\0')) || Buffer.byteLength(args.join()) > MAX_COMMAND) throw bad('its command is too long, or holds a null character');
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

function bad(message: string, hint?: string): SubakoError {
  return new SubakoError('bad_setting', message, hint === undefined ? {} : { hint });
}
