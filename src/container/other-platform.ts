/** Images of another processor or system. */
import { SubakoError } from '../domain/errors.ts';

/** As in docker's `--platform`, of this very machine. */
const OURS: Readonly<Record<string, string>> = { x64: 'amd64|x86_64|x86-64', arm64: 'arm64(?:/v8)?|aarch64' };

/** @throws SubakoError `bad_usage` for another machine's */
export function refuseOtherPlatform(text: string, arch: string = process.arch): void {
  if (text === 'linux' || new RegExp(`^(?:linux/)?(?:${OURS[arch] ?? arch})$`, 'u').test(text.toLowerCase())) return;
  throw new SubakoError('bad_usage', `images of ${JSON.stringify(text.slice(0, 60))} do not run on this machine`, {
    hint: `leave the platform out: images of linux/${(OURS[arch] ?? arch).split(/[|(]/u)[0] ?? arch} are fetched`,
  });
}
