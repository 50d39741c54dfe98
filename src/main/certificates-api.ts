/** Answers what the API asks about certificates. */
import type { ApiCertificates } from '../api/platform.ts';
import type { AuthorityReply, CertificateReply } from '../api/types.ts';
import type { Certificate } from '../domain/certificate.ts';
import { canonicalHost } from '../domain/host-name.ts';
import type { Certificates } from '../edge/certificates/certificates.ts';
import type { LocalCa } from '../edge/certificates/local-ca.ts';

/** The owner of a pair of their own should hear of its end before it comes. */
const SOON_MS = 14 * 86_400_000;

export function certificatesApi(certificates: Certificates, ca: LocalCa): ApiCertificates {
  const row = async (name: string): Promise<CertificateReply> => {
    const found = (await certificates.list()).find((one) => one.name === name);
    return replyOf(name, found?.certificate, found?.why ?? '');
  };
  return {
    list: async () => (await certificates.list()).map(({ name, certificate, why }) => replyOf(name, certificate, why)),
    set: async (typed, { chain, key }) => {
      const { name } = await certificates.setOwn(canonicalHost(typed), { chainPem: chain, keyPem: key });
      return row(name);
    },
    renew: async (typed) => row((await certificates.renew(canonicalHost(typed))).name),
    remove: async (typed) => {
      const name = canonicalHost(typed);
      await certificates.dropOwn(name);
      return row(name);
    },
    authority: (): AuthorityReply => ({ path: ca.path, pem: ca.pem }),
  };
}

function replyOf(name: string, certificate: Certificate | undefined, why: string): CertificateReply {
  const { source = null, inUse, renewAt = null, failures = 0, lastError = null, retryAt = null } = certificate ?? {};
  const status = statusOf(certificate);
  const facts = { issuer: inUse?.issuer ?? null, since: inUse?.since ?? null, until: inUse?.until ?? null };
  return { name, source, status, ...facts, renewAt, failures, lastError: why === '' ? lastError : why, retryAt };
}

function statusOf(certificate: Certificate | undefined): CertificateReply['status'] {
  if (certificate === undefined) return 'none';
  const { inUse, failures, source } = certificate;
  if (inUse === undefined) return failures > 0 ? 'failed' : 'pending';
  if (inUse.until <= Date.now()) return 'expired';
  if (failures > 0) return 'failing';
  return source === 'own' && inUse.until - Date.now() < SOON_MS ? 'ending' : 'valid';
}
