// The sources of follows and their bytes: a file, compressed if its name ends with `.gz`, or a stream.
// Belongs to a single read of the source, and holds a piece of 1 MiB or of the stream's size.

import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Newcomer } from "../generate.ts";

const PIECE_BYTES = 1_048_576;

/** A file, possibly a `.gz` file, or a stream. */
export type ByteSource = { readonly path: string } | { readonly stream: Readable; readonly name: string };

/** Bytes, or a generated graph. */
export type FollowSource = ByteSource | { readonly name: string; readonly newcomers: Iterable<Newcomer> };

/** Returns the name of the source in reports. */
export function nameOf(source: FollowSource): string {
  return "path" in source ? source.path : source.name;
}

/**
 * Yields the source's uncompressed bytes. `onProgress` is called with the bytes read from the file and its
 * size, which is 0 if unknown.
 * @throws GraphError BAD_FOLLOWS_FILE if it cannot be read or is not compressed as its name implies
 */
export async function* readBytes(
  source: ByteSource,
  onProgress: (done: number, total: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  let file: Readable | undefined;
  let done = 0;
  try {
    const total = "path" in source ? statSync(source.path).size : 0;
    file = "path" in source ? createReadStream(source.path, { highWaterMark: PIECE_BYTES }) : source.stream;
    file.on("data", (piece: Uint8Array) => {
      done += piece.length;
    });
    const bytes = nameOf(source).endsWith(".gz") ? file.pipe(createGunzip({ chunkSize: PIECE_BYTES })) : file;
    file.on("error", (error) => bytes.destroy(error));
    for await (const piece of bytes) {
      yield piece as Uint8Array;
      onProgress(done, total);
    }
  } catch (cause) {
    const remedy =
      codeOf(cause) === "ENOENT" ? "check the path" : "is it complete, and compressed as its name implies?";
    throw new GraphError(
      "BAD_FOLLOWS_FILE",
      `${quote(nameOf(source))} cannot be read (${messageOf(cause)}): ${remedy}`,
      { cause },
    );
  } finally {
    file?.destroy();
  }
}
