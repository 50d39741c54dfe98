import { describe, expect, it } from 'vitest';
import { parseGrype, parseTrivy, waitingHoles } from './holes.ts';
import type { Hole } from './holes.ts';

/** As Trivy 0.6x writes it, shortened: what we do not read is there too. */
const TRIVY = {
  SchemaVersion: 2,
  CreatedAt: '2026-08-25T12:20:30Z',
  ArtifactName: 'image.tar',
  ArtifactType: 'container_image',
  Metadata: { OS: { Family: 'debian', Name: '12.1' }, ImageID: 'sha256:c2c0' },
  Results: [
    {
      Target: 'image.tar (debian 12.1)',
      Class: 'os-pkgs',
      Type: 'debian',
      Vulnerabilities: [
        {
          VulnerabilityID: 'CVE-2024-0001',
          PkgID: 'libidn2-0@2.0.5-1',
          PkgName: 'libidn2-0',
          PkgIdentifier: { PURL: 'pkg:deb/debian/libidn2-0@2.0.5-1' },
          InstalledVersion: '2.0.5-1',
          FixedVersion: '2.0.5-1+deb12u1',
          Status: 'fixed',
          Severity: 'CRITICAL',
          CVSS: { nvd: { V3Score: 9.8 } },
        },
        { VulnerabilityID: 'CVE-2024-0002', PkgName: 'tar', InstalledVersion: '1.34', Status: 'affected', Severity: 'UNKNOWN' },
      ],
    },
    { Target: 'Node.js', Class: 'lang-pkgs', Type: 'node-pkg' },
  ],
};

/** As Grype 0.1xx writes it, shortened. */
const GRYPE = {
  matches: [
    {
      vulnerability: {
        id: 'CVE-2024-0003',
        dataSource: 'https://example.org/CVE-2024-0003',
        namespace: 'debian:distro:debian:12',
        severity: 'Negligible',
        fix: { versions: [], state: 'wont-fix' },
      },
      relatedVulnerabilities: [],
      matchDetails: [{ type: 'exact-direct-match' }],
      artifact: { id: '1', name: 'coreutils', version: '9.1-1', type: 'deb' },
    },
    {
      vulnerability: { id: 'GHSA-0004', severity: 'High', fix: { versions: ['4.17.21'], state: 'fixed' } },
      artifact: { id: '2', name: 'lodash', version: '4.17.20', type: 'npm' },
    },
  ],
  source: { type: 'image', target: { userInput: 'docker-archive:image.tar' } },
  distro: { name: 'debian', version: '12', idLike: [] },
  descriptor: { name: 'grype', version: '0.100.0' },
};

describe('what Trivy says', () => {
  it('is read as holes, with or without an update', () => {
    expect(parseTrivy(JSON.stringify(TRIVY))).toEqual([
      { id: 'CVE-2024-0001', package: 'libidn2-0', installed: '2.0.5-1', fixed: '2.0.5-1+deb12u1', severity: 'critical' },
      { id: 'CVE-2024-0002', package: 'tar', installed: '1.34', fixed: null, severity: 'unknown' },
    ]);
    expect(parseTrivy(JSON.stringify({ ...TRIVY, Results: [{ Target: 'image.tar (alpine 3.20)', Class: 'os-pkgs' }] }))).toEqual([]);
  });

  it('is no answer where it found no packages that it knows', () => {
    for (const Results of [undefined, null, []]) expect(parseTrivy(JSON.stringify({ ...TRIVY, Results }))).toBeUndefined();
  });
});

describe('what Grype says', () => {
  it('is read as holes, with or without an update', () => {
    expect(parseGrype(JSON.stringify(GRYPE))).toEqual([
      { id: 'CVE-2024-0003', package: 'coreutils', installed: '9.1-1', fixed: null, severity: 'low' },
      { id: 'GHSA-0004', package: 'lodash', installed: '4.17.20', fixed: '4.17.21', severity: 'high' },
    ]);
    expect(parseGrype(JSON.stringify({ ...GRYPE, matches: [] }))).toEqual([]);
  });

  it('is no answer where it knows no distribution and found nothing', () => {
    expect(parseGrype(JSON.stringify({ ...GRYPE, matches: [], distro: { name: '', version: '' } }))).toBeUndefined();
  });
});

describe('an answer of another kind', () => {
  it.each(['', 'null', '[]', '{}', '{"SchemaVersion":3,"Results":[{}]}', '{"matches":[{}],"distro":{"name":"debian"}}'])('such as %j is none', (json) => {
    expect(parseTrivy(json)).toBeUndefined();
    expect(parseGrype(json)).toBeUndefined();
  });
});

describe('holes that an update closes', () => {
  const hole = (severity: Hole['severity'], fixed: string | null = '2'): Hole => ({ id: severity, package: 'p', installed: '1', fixed, severity });

  it('count from a severity on, and always where nobody has said one', () => {
    const holes = [hole('low'), hole('medium'), hole('high'), hole('critical'), hole('critical', null), hole('unknown')];
    expect(waitingHoles(holes, 'high').map(({ id }) => id)).toEqual(['high', 'critical', 'unknown']);
    expect(waitingHoles(holes, 'low')).toHaveLength(5);
  });
});
