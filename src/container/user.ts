/** Who runs in a container: `USER` of its image or `--user`, looked up in the image's own files. Pure. */
import { SubakoError } from '../domain/errors.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Empty where it has none. */
  readonly home: string;
}

/** Ids of a container, from 0 up. */
const LAST_ID = 65_535;

/**
 * @param user `name`, `name:group`, `1000`, `1000:1000`, or nothing
 * @param files text of /etc/passwd and /etc/group; empty where there is none
 * @param further groups, by name or number
 * @throws SubakoError `bad_usage` when there is no such user, or group
 */
export function resolveUser(user: string, files: { readonly passwd: string; readonly group: string }, further: readonly string[] = []): ResolvedUser {
  const [who = '', group] = user === '' ? ['0'] : user.split(':');
  const entries = lines(files.passwd).filter((fields) => fields.length >= 4);
  const entry = entries.find(([name, , uid]) => name === who || uid === who);
  const uid = entry === undefined ? idOf(who) : idOf(entry[2] ?? '');
  if (uid === undefined) throw unknown('user', who);
  const gid = group === undefined ? (idOf(entry?.[3] ?? '0') ?? 0) : groupId(group, files.group);
  const own = entry === undefined || group !== undefined ? [] : memberships(entry[0] ?? '', files.group);
  const groups = [...new Set([...own, ...further.map((one) => groupId(one, files.group))])].filter((one) => one !== gid);
  return { uid, gid, groups, home: entry?.[5] ?? '' };
}

function groupId(group: string, text: string): number {
  const entry = lines(text).find(([name, , gid]) => name === group || gid === group);
  const gid = idOf(entry?.[2] ?? group);
  if (gid === undefined) throw unknown('group', group);
  return gid;
}

function memberships(name: string, text: string): number[] {
  const entries = lines(text).filter(([, , , members = '']) => members.split(',').includes(name));
  return entries.map(([, , gid = '']) => idOf(gid)).filter((gid) => gid !== undefined);
}

function lines(text: string): string[][] {
  return text.split('\n').map((line) => line.trimEnd().split(':'));
}

function idOf(text: string): number | undefined {
  return /^\d{1,5}$/u.test(text) && Number(text) <= LAST_ID ? Number(text) : undefined;
}

function unknown(what: string, name: string): SubakoError {
  return new SubakoError('bad_usage', `the image has no ${what} ${JSON.stringify(name)}`, {
    hint: `give a number from 0 to ${LAST_ID}, or a name in its /etc/${what === 'user' ? 'passwd' : 'group'}`,
  });
}
