/** CRIU's image of a user namespace: the container's ids, and which ids of the host they are. */

/** Both magic numbers of `userns-*.img` (see criu/include/magic.h). */
const HEADER = Buffer.from('1943565406494755', 'hex');

/** The whole file for a container whose ids 0…size-1 are the host's from `hostBase` on, for users and groups alike. Pure. */
export function usernsImage(hostBase: number, size: number): Buffer {
  // message uid_gid_extent { first = 1; lower_first = 2; count = 3 }
  const extent = Buffer.concat([field(1, 0), field(2, hostBase), field(3, size)]);
  // message userns_entry { repeated uid_gid_extent uid_map = 1, gid_map = 2 }
  const message = Buffer.concat([embedded(1, extent), embedded(2, extent)]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.length);
  return Buffer.concat([HEADER, length, message]);
}

function field(number: number, value: number): Buffer {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

function embedded(number: number, message: Buffer): Buffer {
  return Buffer.concat([varint((number << 3) | 2), varint(message.length), message]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
