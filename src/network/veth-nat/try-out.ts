/** Whether this machine can give containers a network. */
import { execAny } from '../../lib/exec.ts';
import { networkNames } from './names.ts';
import { renderRules } from './render-rules.ts';

/** 10.0.0.0/24. */
const TRIED = { first: 0x0a_00_00_00, size: 256 };
const TRIED6 = { prefix: 'fd5c:0:0:0', near: ['2a00::/64'], apart: ['lo'] };
const WITHIN_MS = 30_000;

/** Tries it in namespaces that are gone afterwards; changes nothing of the machine. Undefined: it can. */
export async function whyNoNetwork({ ip, nft }: { ip: string; nft: string }): Promise<string | undefined> {
  const rules = renderRules({ names: networkNames('00000000'), http: 80, https: 443, range: TRIED, edge: 1, resolver: '192.0.2.53', six: TRIED6, opened: [] });
  const tries = [
    { what: 'nftables', argv: [nft, '-f', '-'], input: rules },
    { what: 'bridge', argv: [ip, 'link', 'add', 'one', 'type', 'bridge'], input: '' },
    { what: 'veth', argv: [ip, 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'other'], input: '' },
  ];
  for (const { what, argv, input } of tries) {
    const { code, stderr } = await execAny(['unshare', '--net', ...argv], { input, timeoutMs: WITHIN_MS });
    if (code !== 0) return `${what}: ${stderr.trim().split('\n')[0] ?? 'it does not work'}`;
  }
  return undefined;
}
