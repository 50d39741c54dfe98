/** Tar archives as nobody honest makes them: any name, any type. */

export interface TarEntry {
  readonly name: string;
  /** As in the format: 0 a file, 1 a hard link, 2 a symbolic link, 3 a character device, 5 a directory, 6 a pipe, x a pax header. */
  readonly type?: string;
  readonly data?: string;
  readonly link?: string;
}

export function tarOf(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(one), Buffer.alloc(1024)]);
}

/** A name in a pax header, for the entry that follows. */
export function paxPath(path: string): TarEntry {
  const rest = ` path=${path}\n`;
  let size = rest.length;
  while (String(size).length + rest.length !== size) size = String(size).length + rest.length;
  return { name: 'PaxHeaders/x', type: 'x', data: `${size}${rest}` };
}

function one({ name, type = '0', data = '', link = '' }: TarEntry): Buffer {
  const bytes = Buffer.from(data);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100, 'latin1');
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 511)]);
}
