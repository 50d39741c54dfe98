/** Puts the keeper of certificates together. */
import type { Cmdb } from '../cmdb/cmdb.ts';
import type { Config } from '../config/config.ts';
import type { EventSink } from '../domain/events.ts';
import { acmeAuthority } from '../edge/certificates/acme/acme-authority.ts';
import { httpProof } from '../edge/certificates/acme/http-proof.ts';
import type { Proof } from '../edge/certificates/acme/proof.ts';
import { TlsAlpnProof } from '../edge/certificates/acme/tls-alpn-proof.ts';
import { Certificates } from '../edge/certificates/certificates.ts';
import { ensureLocalCa } from '../edge/certificates/local-ca.ts';
import type { LocalCa } from '../edge/certificates/local-ca.ts';
import { CertificateStore } from '../edge/certificates/store.ts';
import { EDGE_UID, edgePaths } from '../edge/edge-service.ts';
import type { EdgePaths } from '../edge/edge-service.ts';
import { platformPaths } from './paths.ts';

export interface BuiltCertificates {
  readonly certificates: Certificates;
  readonly ca: LocalCa;
}

export async function buildCertificates(config: Config, { cmdb, emit }: { cmdb: Cmdb; emit: EventSink }): Promise<BuiltCertificates> {
  const paths = platformPaths(config);
  const edge = edgePaths(config);
  const ca = await ensureLocalCa(paths.ca, Date.now());
  const stopping = new AbortController();
  const authority =
    config.acme === undefined ? undefined : acmeAuthority(config.acme, { accounts: paths.acme, proof: proofOf(config.acme, edge) }, stopping.signal);
  const store = new CertificateStore(edge.certificates, { uid: 0, gid: EDGE_UID });
  const names = async (): Promise<string[]> => {
    const sites = (await cmdb.sites()).filter((site) => site.phase !== 'removing');
    const ids = new Set(sites.map((site) => site.id));
    return [...sites.map((site) => site.domain), ...(await cmdb.aliases()).filter((alias) => ids.has(alias.siteId)).map((alias) => alias.name)];
  };
  const certificates = new Certificates({ store, ca, authority, cmdb, names, emit, now: Date.now, random: Math.random, stopping });
  await certificates.load();
  return { certificates, ca };
}

function proofOf({ challenge }: NonNullable<Config['acme']>, { challenges, challengeSocket }: EdgePaths): Proof {
  return challenge === 'http-01' ? httpProof(challenges) : new TlsAlpnProof({ socket: challengeSocket, edgeGid: EDGE_UID });
}
