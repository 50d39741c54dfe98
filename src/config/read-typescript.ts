/** A definition file in TypeScript: it is run, and what it exports by default is what it says. */
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { asSubakoError, SubakoError } from '../domain/errors.ts';
import { textOf } from './definition.ts';
import type { Definition } from './definition.ts';

const OURS = new URL('define-config.ts', import.meta.url).href;

/** @throws SubakoError `bad_setting` with the line, also when the file itself throws */
export function readTypeScript(path: string): Definition {
  const text = textOf(path);
  // `subako` is this very program, wherever the file lies.
  const resolving = resolveOurs();
  let value: unknown;
  try {
    const loaded = createRequire(import.meta.url)(path) as Readonly<Record<string, unknown>>;
    value = 'default' in loaded ? loaded['default'] : undefined;
  } catch (error) {
    throw broken(path, error);
  } finally {
    resolving.deregister();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SubakoError('bad_setting', `${path} exports no definition`, { hint: 'write: export default defineConfig({ … })' });
  }
  return { path, value, lineOf: (keys) => lineOf(text, keys) };
}

function resolveOurs(): { deregister(): void } {
  return registerHooks({
    resolve: (specifier, context, next) => (specifier === 'subako' ? { url: OURS, format: 'module-typescript', shortCircuit: true } : next(specifier, context)),
  });
}

function broken(path: string, error: unknown): SubakoError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ERR_REQUIRE_ASYNC_MODULE') {
    return new SubakoError('bad_setting', `${path} waits for something (await) before it exports`, { hint: 'await inside of hooks alone', cause: error });
  }
  // A stack names the file by its path or its address, then the line.
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = [path, pathToFileURL(path).href].map((name) => stack.split(`${name}:`)[1]?.match(/^\d+/u)?.[0]).find((one) => one !== undefined);
  const said = asSubakoError(error).message.split('\n')[0] ?? '';
  return new SubakoError('bad_setting', `${path}${line === undefined ? '' : `:${line}`}: ${said}`, {
    hint: 'mend it; subako config check looks at it again',
    cause: error,
  });
}

/** The line that names the last of the keys, where there is only one such line. */
function lineOf(text: string, keys: readonly PropertyKey[]): number | undefined {
  const last = keys.findLast((key) => typeof key === 'string');
  if (last === undefined) return undefined;
  const found = text.split('\n').flatMap((line, index) => (names(line, last) ? [index + 1] : []));
  return found.length === 1 ? found[0] : undefined;
}

function names(line: string, key: PropertyKey): boolean {
  const quoted = String(key).replaceAll(/[^\w]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`);
  return new RegExp(`(?:^|[{,\\s])['"]?${quoted}['"]?\\s*:`, 'u').test(line);
}
