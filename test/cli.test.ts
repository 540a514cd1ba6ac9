// The command as a user types it: its output and its exit status.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { projectRoot } from "../lib/project.ts";
import { EnckeCommand } from "./support/command.ts";
import { tempDir } from "./support/temp-dir.ts";
import { KEY } from "./support/tokens.ts";

const NOWHERE = "nats://127.0.0.1:1";

// each test starts commands of its own, so two cores can run two of them
describe("encke - help and usage", { concurrency: 2 }, () => {
  it("--help - lists every command, and each command's help lists its flags", async () => {
    const { stdout, exit } = await EnckeCommand.run(["--help"]);
    assert.equal(exit, 0);
    for (const name of [
      "up",
      "broker",
      "edge",
      "graph",
      "pub",
      "request",
      "token",
      "flood",
      "msggen",
      "million",
      "doctor",
    ]) {
      assert.match(stdout, new RegExp(`^ {2}${name} `, "m"));
      const help = await EnckeCommand.run([name, "--help"]);
      assert.equal(help.exit, 0, name);
    }
    assert.match((await EnckeCommand.run(["edge", "--help"])).stdout, /--admin-port <N>/);
    assert.match((await EnckeCommand.run(["graph", "load", "--help"])).stdout, /--as <KIND>/);
  });

  it("the selected NATS context - is used by pub, and named on standard error", async () => {
    const home = tempDir();
    mkdirSync(join(home, "nats", "context"), { recursive: true });
    writeFileSync(join(home, "nats", "context.txt"), "gone");
    writeFileSync(join(home, "nats", "context", "gone.json"), JSON.stringify({ url: NOWHERE }));
    const args = ["pub", "event.42", "hello"];
    const { stderr, exit } = await EnckeCommand.run(args, { env: { XDG_CONFIG_HOME: home } });
    assert.equal(exit, 1);
    assert.match(stderr, /^encke: NATS context "gone" \(nats:\/\/127\.0\.0\.1:1\), which is selected/);
    assert.match(stderr.trim().split("\n").at(-1) ?? "", /127\.0\.0\.1:1/);
  });

  it("--version - prints the version in package.json", async () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      version: string;
    };
    const { stdout, exit } = await EnckeCommand.run(["--version"]);
    assert.deepEqual([stdout, exit], [`${version}\n`, 0]);
  });

  const wrong: readonly (readonly [string, string[], RegExp, Record<string, string>?])[] = [
    ["an unknown command", ["fly"], /unknown command 'fly'/],
    ["an unknown flag", ["up", "--fast"], /unknown option '--fast'/],
    ["a missing parameter", ["pub", "event.42"], /missing required argument 'payload'/],
    [
      "a flag's bad value",
      ["edge", "--port", "99999"],
      /--port: expected a whole number from 0 to 65535, got "99999"/,
    ],
    [
      "a site that no page can be from",
      ["edge", "--cors-origin", "https://app.example,app.example"],
      /--cors-origin: origin "app\.example" has no scheme: .* such as https:\/\/app\.example/,
    ],
    ["a misspelt variable", ["pub", "event.42", "x"], /ENCKE_PROT is not a setting/, { ENCKE_PROT: "1" }],
    [
      "bad variables, all at once",
      ["edge"],
      /ENCKE_PORT: .*\n.*ENCKE_WORKERS: /,
      { ENCKE_PORT: "x", ENCKE_WORKERS: "0" },
    ],
    ["a wildcard", ["pub", "event.*", "x"], /"\*" is not a topic: use 1 to 4 tokens/],
    ["an id of 10 kB", ["graph", "add", "x".repeat(10_000), "rj"], /is not a user id/],
    ["a bad NATS address", ["pub", "event.42", "x", "-s", "http://x"], /is not a NATS address/],
    ["half a change", ["graph", "add", "alice"], /SUBSCRIBER TOPIC, or --file/],
    ["a token without a user", ["token"], /use --sub USER/],
    ["a token without a key", ["token", "--sub", "7"], /ENCKE_JWT_KEY/],
    ["a short key", ["token", "--sub", "7", "--jwt-key", "short"], /openssl rand/],
    [
      "an open edge without a key",
      ["edge", "--admin-port", "0", "--host", "0.0.0.0"],
      /set ENCKE_JWT_KEY .*, or pass --allow-anonymous/,
    ],
    [
      "a UNIX socket without a key",
      ["edge", "--admin-port", "0", "--listen", `unix:${join(tempDir(), "edge.sock")}`],
      /set ENCKE_JWT_KEY .*, or pass --allow-anonymous/,
    ],
    ["an address that is not a socket", ["edge", "--listen", "x"], /expected unix:/],
    [
      "a configuration file that does not exist",
      ["edge", "--config", "/nowhere"],
      /--config "\/nowhere" cannot be used/,
    ],
  ];
  for (const [what, args, message, env = {}] of wrong) {
    it(`${what} - exits 2 with a remedy`, async () => {
      const { exit, stderr } = await EnckeCommand.run(args, { env });
      assert.match(stderr, message);
      assert.equal(exit, 2);
    });
  }

  it("another command's variable - is accepted, and an address without NATS exits 1 with a remedy", async () => {
    const { exit, stderr } = await EnckeCommand.run(["pub", "event.42", "x", "-s", NOWHERE], {
      env: { ENCKE_WORKERS: "4" },
    });
    assert.match(stderr, /no NATS at nats:\/\/127\.0\.0\.1:1 .*start one with `encke up`/);
    assert.equal(exit, 1);
  });

  it("a settings file - is overridden by flags, and an unknown key is an error", async () => {
    const file = join(tempDir(), "encke.json");
    writeFileSync(file, JSON.stringify({ sub: "7", ttl: "5m", "jwt-key": KEY }));
    const token = (await EnckeCommand.run(["token", "--config", file, "--sub", "9"])).stdout.trim();
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as {
      sub: string;
      exp: number;
      iat: number;
    };
    assert.deepEqual([claims.sub, claims.exp - claims.iat], ["9", 300]);
    writeFileSync(file, JSON.stringify({ sbu: "7" }));
    const { exit, stderr } = await EnckeCommand.run(["token", "--config", file]);
    assert.match(stderr, /"sbu" in .* is not a setting/);
    assert.equal(exit, 2);
  });

  it("a payload over 64 KiB - is refused before it is sent", async () => {
    const { exit, stderr } = await EnckeCommand.run(["pub", "event.42", "x".repeat(65_537), "-s", NOWHERE]);
    assert.match(stderr, /65537 bytes, at most 65536/);
    assert.equal(exit, 1);
  });
});

describe("encke graph - generate and load", () => {
  it("generate - writes the same bytes for the same seed, to a file or a pipe", async () => {
    const file = join(tempDir(), "edges.txt");
    const args = ["graph", "generate", "--users", "3000", "--edges", "15"];
    const piped = (await EnckeCommand.run(args)).stdout;
    assert.equal((await EnckeCommand.run([...args, "--out", file])).exit, 0);
    assert.equal(readFileSync(file, "utf8"), piped);
    assert.equal(piped.split("\n").length - 1, 2_985 * 15 + 105);
    assert.match(piped, /^(\d+ \d+\n)+$/);
    assert.notEqual(sha256((await EnckeCommand.run([...args, "--seed", "2"])).stdout), sha256(piped));
  });

  it("generate and check - compress by file name, and report counts, degrees and their chart", async () => {
    const folder = tempDir();
    const [packed, svg] = [join(folder, "edges.txt.gz"), join(folder, "degrees.svg")];
    const args = ["graph", "generate", "--users", "3000", "--edges", "15"];
    const piped = (await EnckeCommand.run(args)).stdout;
    assert.equal((await EnckeCommand.run([...args, "--out", packed])).exit, 0);
    assert.equal(sha256(gunzipSync(readFileSync(packed)).toString()), sha256(piped));
    const checked = await EnckeCommand.run(["graph", "check", packed, "--svg", svg, "--json"]);
    const { users, friendships, duplicates, degree } = JSON.parse(checked.stdout);
    assert.deepEqual([users, friendships, duplicates, degree.min], [3_000, 2_985 * 15 + 105, 0, 15]);
    assert.match(readFileSync(svg, "utf8"), /<circle .*power law/s);
    const read = await EnckeCommand.run(["graph", "check", "-"], { input: "1 2\n2 1\n2 3\n" });
    assert.match(
      read.stdout,
      /^3 users, 2 friendships; skipped: 1 duplicates, 0 self follows, 0 bad lines\n/,
    );
    assert.equal((await EnckeCommand.run(["graph", "check", join(folder, "nothing")])).exit, 1);
  });

  for (const name of ["edges", "edges.gz"]) {
    it(`generate - exits with an error if it cannot write ${name}`, async () => {
      const { exit, stderr } = await EnckeCommand.run([
        "graph",
        "generate",
        "--users",
        "100",
        "--out",
        `/nowhere/${name}`,
      ]);
      assert.match(stderr, /\/nowhere\/edges/);
      assert.equal(exit, 1);
    });
  }

  it("load - reads a file or standard input, and reports each skipped line", async () => {
    const directory = join(tempDir(), "graph");
    const file = join(tempDir(), "edges.txt");
    writeFileSync(file, "alice rj\nbob rj\nnonsense\n");
    const first = await EnckeCommand.run([
      "graph",
      "load",
      file,
      "--as",
      "subscriptions",
      "--data",
      directory,
    ]);
    assert.match(
      first.stdout,
      /^2 follow relations added, 2 in the graph; 1 bad lines, 0 self follows and 0 duplicates skipped\n$/,
    );
    assert.match(first.stderr, /edges\.txt:3: expected two names/);
    const second = await EnckeCommand.run(
      ["graph", "load", "-", "--as", "subscriptions", "--data", directory, "--json"],
      { input: "carol rj\n" },
    );
    assert.equal(JSON.parse(second.stdout).follows, 3);
    const strict = await EnckeCommand.run(["graph", "load", file, "--strict", "--data", directory]);
    assert.deepEqual([strict.exit, /edges\.txt:3/.test(strict.stderr)], [1, true]);
  });

  it("load - reports a missing file and creates no graph", async () => {
    const directory = join(tempDir(), "graph");
    const { exit, stderr } = await EnckeCommand.run(["graph", "load", "/nowhere/edges", "--data", directory]);
    assert.match(stderr, /"\/nowhere\/edges" cannot be read .*check the path/);
    assert.equal(exit, 1);
    const about = await EnckeCommand.run(["graph", "about", "--data", directory, "--json"]);
    assert.equal(JSON.parse(about.stdout).empty, true);
  });
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe("npx encke - inside the checkout", () => {
  it("runs the command that was built", () => {
    const { status, stdout } = spawnSync("npx", ["encke", "--help"], { cwd: projectRoot, encoding: "utf8" });
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: encke /);
  });
});
