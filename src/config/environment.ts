/** What the platform takes out of the environment that it is started in. */

/** For tests of what happens when the daemon dies at a given place (see lib/failpoint.ts); empty for everyone else. */
export function failpointsToArm(env: NodeJS.ProcessEnv = process.env): string {
  return env['SUBAKO_FAILPOINTS'] ?? '';
}

/** Where the machine reaches the outside through a proxy: for programs that fetch something. */
export function proxyEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const wanted = /^(?:https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/u;
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => wanted.test(pair[0]) && pair[1] !== undefined));
}

/** Where this machine has its programs. */
export function programDirectories(env: NodeJS.ProcessEnv = process.env): string[] {
  return (env['PATH'] ?? '').split(':').filter((dir) => dir.startsWith('/'));
}

/** The part of the environment that a daemon started by us needs: what people set to reach a package mirror, and our own settings. */
export function inheritedEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const wanted = /^(?:SUBAKO_.*|MALLOC_ARENA_MAX|PATH|LANG|TZ|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY)$/u;
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => wanted.test(pair[0]) && pair[1] !== undefined));
}
