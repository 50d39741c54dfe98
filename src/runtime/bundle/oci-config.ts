/** The part of the OCI runtime specification that we write. A closed schema: what is not named here cannot get into a bundle. */

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }[];
}

export interface OciSeccomp {
  readonly defaultAction: 'SCMP_ACT_ERRNO';
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciSyscallRule[];
}

interface OciHook {
  readonly path: string;
  readonly args: readonly string[];
}

interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export interface OciConfig {
  readonly ociVersion: '1.0.2';
  readonly process: {
    readonly terminal: boolean;
    readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly capabilities: OciCapabilities;
    readonly rlimits: readonly { readonly type: string; readonly soft: number; readonly hard: number }[];
    readonly noNewPrivileges: true;
    readonly oomScoreAdj?: number;
  };
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  readonly hooks?: { readonly createRuntime: readonly OciHook[] };
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly uidMappings?: readonly OciIdMapping[];
    readonly gidMappings?: readonly OciIdMapping[];
    readonly cgroupsPath: string;
    readonly sysctl?: Readonly<Record<string, string>>;
    readonly resources: {
      readonly devices: readonly {
        readonly allow: boolean;
        readonly type?: string;
        readonly major?: number;
        readonly minor?: number;
        readonly access: string;
      }[];
      readonly memory?: { readonly limit: number; readonly swap: number };
      readonly cpu?: { readonly shares: number; readonly quota: number; readonly period: number };
      readonly pids?: { readonly limit: number };
    };
    readonly seccomp: OciSeccomp;
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly rootfsPropagation: 'private';
  };
}
