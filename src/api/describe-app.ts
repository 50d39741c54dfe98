/** What is shown of an app: no value of a variable, for it may be a secret. */
import { portOf } from '../domain/app.ts';
import type { App } from '../domain/app.ts';
import type { Code } from '../domain/code.ts';
import type { AppReply, CodeReply } from './types.ts';

export function describeApp({ imageName, listens, env, volumes, healthPath, command, networks = [], user, pod }: App): AppReply {
  return {
    image: imageName,
    port: portOf(listens) ?? null,
    socket: 'socket' in listens ? listens.socket : null,
    env: Object.keys(env),
    volumes: [...volumes, ...(pod?.volumes ?? [])].map(({ name, path }) => `${name}:${path}`),
    networks: networks.map(({ name }) => name),
    healthPath: healthPath ?? null,
    command: pod?.args ?? command ?? null,
    pod: pod === undefined ? null : { project: pod.project, service: pod.service },
    user: `${user.uid}:${user.gid}`,
  };
}

export function describeCode({ release, web, env, ownEnv, shared, build }: Code): CodeReply {
  return { release, web: web ?? null, env: Object.keys(env), ownEnv: Object.keys(ownEnv), shared, build: build ?? null };
}
