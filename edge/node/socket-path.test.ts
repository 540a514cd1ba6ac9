import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempDir } from "../../test/support/temp-dir.ts";
import { claimSocketPath } from "./socket-path.ts";

const LISTENER = `require("net").createServer().listen(process.argv[1], () => process.stdout.write("listens"))`;

/** Leaves a socket's file behind, as a killed process does. */
async function leaveSocket(path: string): Promise<void> {
  const child = spawn(process.execPath, ["-e", LISTENER, path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.ok(lstatSync(path).isSocket());
}

async function listenAt(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return server;
}

const isTaken = (why: RegExp): object => ({ code: "ADDRESS_TAKEN", message: why });

describe("path of a UNIX socket", () => {
  it("socket on which nothing listens - is replaced", async () => {
    const path = join(tempDir(), "edge.sock");
    await leaveSocket(path);
    const release = await claimSocketPath(path);
    (await listenAt(path)).close();
    release();
  });

  it("socket of another program - is refused and not removed", async () => {
    const path = join(tempDir(), "edge.sock");
    const stranger = await listenAt(path);
    await assert.rejects(
      claimSocketPath(path),
      isTaken(/edge\.sock is taken: a process listens there; .*--listen$/),
    );
    const client = connect(path);
    await once(client, "connect");
    client.destroy();
    stranger.close();
  });

  it("file that is not a socket - is refused and not removed", async () => {
    const folder = tempDir();
    const [file, inner, link, socket] = ["file", "folder", "link", "socket"].map((name) =>
      join(folder, name),
    );
    writeFileSync(file ?? "", "precious");
    mkdirSync(inner ?? "");
    await leaveSocket(socket ?? "");
    symlinkSync(socket ?? "", link ?? "");
    for (const path of [file, inner, link]) {
      await assert.rejects(claimSocketPath(path ?? ""), isTaken(/is not a socket, and was not removed/));
      assert.ok(existsSync(path ?? ""));
    }
  });

  it("second claim - is refused while the first is held, under every name of the folder", async () => {
    const folder = tempDir();
    const other = join(tempDir(), "other");
    symlinkSync(folder, other);
    const release = await claimSocketPath(join(folder, "edge.sock"));
    await assert.rejects(claimSocketPath(join(other, "edge.sock")), isTaken(/another Encke listens there/));
    (await claimSocketPath(join(folder, "other.sock")))();
    release();
    (await claimSocketPath(join(other, "edge.sock")))();
  });

  it("concurrent claims of an abandoned socket - succeed for one process", async () => {
    const path = join(tempDir(), "edge.sock");
    await leaveSocket(path);
    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claimSocketPath(path)));
    const got = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value] : []));
    assert.equal(got.length, 1);
    got[0]?.();
  });

  it("path of more than 107 bytes - is refused with the limit, whatever its number of characters", {
    skip: process.platform !== "linux",
  }, async () => {
    const folder = tempDir();
    const longest = join(folder, "x".repeat(107 - folder.length - 1));
    const release = await claimSocketPath(longest);
    const server = await listenAt(longest);
    assert.ok(lstatSync(longest).isSocket(), "not cut");
    server.close();
    release();
    for (const path of [`${longest}x`, join(folder, "é".repeat(50)), `/${"x".repeat(10_000)}`])
      await assert.rejects(claimSocketPath(path), {
        code: "BAD_CONFIG",
        message: new RegExp(
          `the path has ${Buffer.byteLength(path)} bytes, a socket's path at most 107: choose a shorter one$`,
        ),
      });
  });

  it("missing folder, or a file in its place - is named in the error", async () => {
    const folder = tempDir();
    writeFileSync(join(folder, "file"), "");
    for (const [path, why] of [
      [join(folder, "none", "edge.sock"), /its folder ".*none" cannot be used \(ENOENT/],
      [join(folder, "file", "edge.sock"), /its folder ".*file" cannot be used|is taken: ENOTDIR/],
      [join(folder, "a\0b"), /zero byte/],
    ] as const)
      await assert.rejects(claimSocketPath(path), { message: why });
  });
});
