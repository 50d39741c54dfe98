/** CRIU's image files: two magic numbers, then messages with their length before them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { decode, encode } from './protobuf.ts';
import type { Field } from './protobuf.ts';

const HEADER = 8;
const LENGTH = 4;

export interface ImageFile {
  readonly header: Buffer;
  readonly messages: readonly (readonly Field[])[];
}

export function readImage(path: string): ImageFile {
  const bytes = readFileSync(path);
  const messages: Field[][] = [];
  for (let at = HEADER; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    messages.push(decode(bytes.subarray(at + LENGTH, at + LENGTH + length)));
    at += LENGTH + length;
  }
  return { header: bytes.subarray(0, HEADER), messages };
}

export function writeImage(path: string, { header, messages }: ImageFile): void {
  const parts = messages.flatMap((message) => {
    const body = encode(message);
    const length = Buffer.alloc(LENGTH);
    length.writeUInt32LE(body.length);
    return [length, body];
  });
  writeFileSync(path, Buffer.concat([header, ...parts]));
}
