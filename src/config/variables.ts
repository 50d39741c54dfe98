/** A variable of whoever types a command, who may hand it on to a container. */
export function variableOf(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  // Not what every object has, such as `constructor`.
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
