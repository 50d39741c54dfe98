/** What Trivy and Grype say of an image, as one kind of thing. Pure. */
import { z } from 'zod';
import { SEVERITIES } from '../../../domain/severity.ts';
import type { Severity } from '../../../domain/severity.ts';

export interface Hole {
  /** Such as `CVE-2019-18224`. */
  readonly id: string;
  readonly package: string;
  readonly installed: string;
  /** The version without it; null where there is none yet. */
  readonly fixed: string | null;
  /** Grype's “negligible” counts as low; `unknown`: nobody has said. */
  readonly severity: Severity | 'unknown';
}

/** Undefined where it is not what the program writes, or where it found nothing in the image that it knows about: that is not the same as no holes. */
export type HoleParser = (json: string) => readonly Hole[] | undefined;

const TRIVY = z.object({
  SchemaVersion: z.literal(2),
  /** One for each set of packages that it found, with or without holes. */
  Results: z
    .array(
      z.object({
        Vulnerabilities: z
          .array(
            z.object({
              VulnerabilityID: z.string(),
              PkgName: z.string(),
              InstalledVersion: z.string().default(''),
              FixedVersion: z.string().default(''),
              Severity: z.string().default(''),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

export const parseTrivy: HoleParser = (json) => {
  const results = parsed(TRIVY, json)?.Results ?? [];
  if (results.length === 0) return undefined;
  return results
    .flatMap(({ Vulnerabilities: found }) => found ?? [])
    .map((one) => ({
      id: one.VulnerabilityID,
      package: one.PkgName,
      installed: one.InstalledVersion,
      fixed: one.FixedVersion === '' ? null : one.FixedVersion,
      severity: severityOf(one.Severity),
    }));
};

const GRYPE = z.object({
  matches: z.array(
    z.object({
      vulnerability: z.object({
        id: z.string(),
        severity: z.string().default(''),
        fix: z.object({ versions: z.array(z.string()).nullish() }).nullish(),
      }),
      artifact: z.object({ name: z.string(), version: z.string().default('') }),
    }),
  ),
  /** Empty where it knows no such distribution. */
  distro: z.object({ name: z.string().default('') }).nullish(),
});

export const parseGrype: HoleParser = (json) => {
  const report = parsed(GRYPE, json);
  if (report === undefined || (report.matches.length === 0 && (report.distro?.name ?? '') === '')) return undefined;
  return report.matches.map(({ vulnerability, artifact }) => ({
    id: vulnerability.id,
    package: artifact.name,
    installed: artifact.version,
    fixed: vulnerability.fix?.versions?.[0] ?? null,
    severity: severityOf(vulnerability.severity),
  }));
};

/** Holes at this severity or above which an update closes. One whose severity nobody has said counts as severe. */
export function waitingHoles(holes: readonly Hole[], least: Severity): Hole[] {
  return holes.filter(({ fixed, severity }) => fixed !== null && (severity === 'unknown' || SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)));
}

function severityOf(word: string): Hole['severity'] {
  const plain = word.toLowerCase();
  return plain === 'negligible' ? 'low' : (SEVERITIES.find((one) => one === plain) ?? 'unknown');
}

function parsed<T>(schema: z.ZodType<T>, json: string): T | undefined {
  try {
    return schema.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
