import assert from "node:assert/strict";
import { statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempDir } from "../test/support/temp-dir.ts";
import { makeFolder } from "./make-folder.ts";

describe("makeFolder", () => {
  it("missing parents - are created, also by concurrent callers", async () => {
    const path = join(tempDir(), "a", "b", "c");
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(path, "..", "d"))]);
    assert.ok(statSync(path).isDirectory());
  });

  it("existing folder - is left as it is, also behind a link or at the root", async () => {
    const folder = tempDir();
    const link = join(tempDir(), "link");
    symlinkSync(folder, link);
    for (const path of [folder, link, "/"]) await makeFolder(path);
  });

  it("file in the way - rejects with the system's error", async () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, "");
    await assert.rejects(makeFolder(file), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(file, "below")), { code: "ENOTDIR" });
  });

  it("place that accepts no folders - rejects instead of trying for ever", {
    skip: process.platform !== "linux",
  }, async () => {
    for (const path of ["/proc/x", "/proc/x/y/z"]) await assert.rejects(makeFolder(path), { code: "ENOENT" });
  });
});
