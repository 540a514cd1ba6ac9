// Invalid numbers, which our own JavaScript never passes to the readers' addon: it must refuse them with an
// error.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { projectRoot } from "../../lib/project.ts";
import { isNativeBuilt, NativeReaders } from "./native-readers.ts";
import type { ReadersOptions } from "./readers.ts";

const ODD: readonly number[] = [
  ...[
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -1,
    -0.5,
    0.5,
    1.5,
    2 ** 32,
    2 ** 32 + 1,
  ],
  ...[2 ** 53, 2 ** 63, 2 ** 64, 1e17, 1e308, -1e308],
];
const NO_NUMBERS = ["1", null, undefined, {}, true, 1n] as unknown as readonly number[];

describe("addon of the native readers", () => {
  it("a file that the build made - is the one that is loaded", () => {
    const built = readdirSync(join(projectRoot, "dist"), { recursive: true, encoding: "utf8" });
    assert.equal(
      isNativeBuilt,
      built.some((name) => name.endsWith("load.node")),
    );
  });
});

describe("numbers passed to the native readers", {
  skip: isNativeBuilt ? false : "the addon was not built here",
}, () => {
  it("stream - is refused unless it exists, and nothing opens", () => {
    const readers = new NativeReaders(options());
    for (const odd of [...ODD, ...NO_NUMBERS, 1])
      assert.throws(() => readers.open(odd), TypeError, String(odd));
    assert.equal(readers.counts().opening, 0);
    readers.close();
  });

  it("source - is refused unless it is an integer of 32 bits", () => {
    for (const odd of [...ODD, ...NO_NUMBERS]) {
      assert.throws(() => new NativeReaders({ ...options(), firstSource: odd }), TypeError, String(odd));
      assert.throws(() => new NativeReaders({ ...options(), sourceStep: odd }), TypeError, String(odd));
    }
    new NativeReaders({ ...options(), firstSource: 2 ** 32 - 1, sourceStep: 2 ** 32 - 1 }).close();
  });

  it("port - is not truncated to 16 bits", () => {
    for (const odd of [...ODD, 65_536, 70_000, 2 ** 31])
      assert.throws(() => new NativeReaders(options(odd)), TypeError, String(odd));
    new NativeReaders(options(65_535)).close();
  });
});

/** Returns a plan with one stream. */
function options(port = 80): ReadersOptions {
  return {
    targets: {
      servers: [{ address: "127.0.0.1", port, host: "x" }],
      paths: new TextEncoder().encode("/"),
      ends: Uint32Array.of(1),
      serverOf: Uint16Array.of(0),
    },
    ...{ sources: ["127.0.0.1"], firstSource: 0, sourceStep: 1, headers: "", run: "", onEnd: () => {} },
  };
}
