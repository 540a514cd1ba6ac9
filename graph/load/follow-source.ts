// Where follows come from, and their bytes: a file, compressed where its name says so, or a stream. Owned by one
// reading of it; holds a piece of 1 MiB or what the stream hands over.

import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf, messageOf, quote } from "../../lib/errors.ts";
import { GraphError } from "../errors.ts";
import type { Newcomer } from "../generate.ts";

const PIECE_BYTES = 1_048_576;

/** A file (`.gz` works) or a stream. */
export type ByteSource = { readonly path: string } | { readonly stream: Readable; readonly name: string };

/** Bytes, or a graph generated on the spot. */
export type FollowSource = ByteSource | { readonly name: string; readonly newcomers: Iterable<Newcomer> };

/** What it is called in reports. */
export function nameOf(source: FollowSource): string {
  return "path" in source ? source.path : source.name;
}

/**
 * The source's bytes, uncompressed; `onProgress` hears bytes of the file itself, and 0 where the total is not known.
 * @throws GraphError BAD_FOLLOWS_FILE where it cannot be read, or is not compressed as its name says
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
      codeOf(cause) === "ENOENT" ? "check the path" : "is it complete, and compressed as its name says?";
    throw new GraphError(
      "BAD_FOLLOWS_FILE",
      `${quote(nameOf(source))} cannot be read (${messageOf(cause)}): ${remedy}`,
      { cause },
    );
  } finally {
    file?.destroy();
  }
}
