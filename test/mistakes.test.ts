// Mistakes in the arguments, and failures of the machine: each is one line with the value and the remedy.
// Stacks are for bugs.

import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { EnckeCommand } from "./support/command.ts";
import { tempDir } from "./support/temp-dir.ts";

const folder = tempDir();
const file = join(folder, "file");
const edges = join(folder, "edges");
const loop = join(folder, "loop");
const EDGE = ["edge", "--port", "0", "--admin-port", "0"];
const NOWHERE = ["-s", "nats://127.0.0.1:1"];
const SERVE = ["graph", "serve", ...NOWHERE];

interface Mistake {
  readonly what: string;
  readonly args: readonly string[];
  readonly said: RegExp;
  readonly exit?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const mistakes: readonly Mistake[] = [
  {
    what: "a host with a port",
    args: [...EDGE, "--host", "127.0.0.1:80"],
    said: /--host: expected an address .* without a port, got "127\.0\.0\.1:80"/,
    exit: 2,
  },
  {
    what: "an unknown host name",
    args: [...EDGE, "--host", "nowhere.invalid"],
    said: /nowhere\.invalid:0 is not a known host name \(.*ENOTFOUND.*\): choose another with --host/,
  },
  {
    what: "an unknown host name, of encke up",
    args: [
      "up",
      "--broker",
      "embedded",
      "--data",
      join(folder, "up"),
      "--users",
      "9",
      "--host",
      "nowhere.invalid",
    ],
    said: /--host "nowhere\.invalid" is not a known host name/,
  },
  {
    what: "an unknown host name, with the plain pool",
    args: [...EDGE, "--pool", "plain", "--host", "nowhere.invalid"],
    said: /nowhere\.invalid:0 is not a known host name/,
  },
  {
    what: "an address of another machine",
    args: [...EDGE, "--host", "192.0.2.1", "--allow-anonymous"],
    said: /192\.0\.2\.1:0 is not an address of this machine/,
  },
  {
    what: "an address on which no server can listen",
    args: [...EDGE, "--host", "ff02::1", "--allow-anonymous"],
    said: /ff02::1:0 is not an address to listen on/,
  },
  {
    what: "an admin host with a port",
    args: [...SERVE, "--admin-host", "[::1]:9180", "--admin-port", "0"],
    said: /--admin-host: expected an address .* without a port/,
    exit: 2,
  },
  {
    what: "an unknown admin host",
    args: [...SERVE, "--admin-host", "nowhere.invalid", "--admin-port", "0"],
    said: /the admin address nowhere\.invalid:0 is not a known host name .*--admin-host/,
  },
  {
    what: "an admin host of another machine",
    args: [...EDGE, "--admin-host", "192.0.2.1"],
    said: /the admin address 192\.0\.2\.1:0 is not an address of this machine/,
  },
  {
    what: "a stray % in NATS_URL",
    args: ["graph", "count", "42"],
    env: { NATS_URL: "nats://ann:50%@127.0.0.1" },
    said: /user or password of "nats:\/\/…@127\.0\.0\.1:4222" has a % .*%25/,
    exit: 2,
  },
  {
    what: "a NATS host with a stray %",
    args: [...EDGE, "-s", "nats://127.0.0.1%zz"],
    said: /"nats:\/\/127\.0\.0\.1%zz" is not a NATS address/,
    exit: 2,
  },
  {
    what: "a missing certificate, of a service that waits for NATS",
    args: [...SERVE, "--data", join(folder, "g"), "--nats-ca", "/nowhere.pem"],
    said: /NATS_CA "\/nowhere\.pem" cannot be used \(ENOENT/,
    exit: 2,
  },
  {
    what: "malformed credentials, of an edge",
    args: [...EDGE, ...NOWHERE, "--nats-creds", file],
    said: /NATS_CREDS ".*file" cannot be used \(BAD_CREDS\)/,
    exit: 2,
  },
  {
    what: "a file as the graph's folder",
    args: [...SERVE, "--data", file],
    said: /file" cannot be created \(EEXIST/,
  },
  {
    what: "a folder inside a file",
    args: [...SERVE, "--data", join(file, "x")],
    said: /cannot be created \(ENOTDIR.*--data/,
  },
  {
    what: "a folder where none can be created",
    args: [...SERVE, "--data", "/proc/x"],
    said: /"\/proc\/x" cannot be created/,
  },
  { what: "a link that points to itself", args: [...SERVE, "--data", loop], said: /loop" cannot be created/ },
  {
    what: "a folder name that is too long",
    args: [...SERVE, "--data", join(folder, "x".repeat(300))],
    said: /characters\) cannot be created \(ENAMETOOLONG/,
  },
  {
    what: "a file as the demo graph's folder",
    args: ["up", "--broker", "embedded", "--data", file],
    said: /file" cannot be created \(EEXIST/,
  },
  {
    what: "a load into a file",
    args: ["graph", "load", edges, "--data", file],
    said: /file" cannot be created \(EEXIST/,
  },
  {
    what: "a load from a folder",
    args: ["graph", "load", folder, "--data", join(folder, "g")],
    said: /cannot be read \(EISDIR/,
  },
  {
    what: "a backup that is a folder",
    args: ["graph", "restore", folder, "--data", join(folder, "restored")],
    said: /is not a complete backup: it is not a file/,
  },
  {
    what: "a restore into a file",
    args: ["graph", "restore", edges, "--data", file],
    said: /file" cannot be used \(ENOTDIR.*--data/,
  },
  {
    what: "--out that is a folder",
    args: ["graph", "generate", "--users", "100", "--out", folder],
    said: /--out ".*" cannot be written \(EISDIR/,
  },
  {
    what: "--out on a full disk",
    args: ["graph", "generate", "--users", "1000", "--out", "/dev/full"],
    said: /--out "\/dev\/full" cannot be written \(ENOSPC.*free space/,
  },
  {
    what: "an --svg that cannot be written",
    args: ["graph", "check", edges, "--svg", "/nowhere/x.svg"],
    said: /--svg "\/nowhere\/x\.svg" cannot be written \(ENOENT/,
  },
  {
    what: "a --report that is a file",
    args: ["soak", "--report", file],
    said: /--report ".*file" cannot be written \(EEXIST/,
  },
  {
    what: "a --report that is a file, of encke million",
    args: ["million", "--connections", "1000", "--report", file],
    said: /--report ".*file" cannot be written \(EEXIST/,
  },
  {
    what: "a TMPDIR that does not exist",
    args: ["broker", "--port", "0"],
    env: { TMPDIR: "/nowhere" },
    said: /ENOENT.*'\/nowhere/,
  },
  {
    what: "a time that is too long for a timer",
    args: ["request", "event.42", "x", "--timeout", "99999d"],
    said: /--timeout: expected at most 24d, got "99999d"/,
    exit: 2,
  },
  {
    what: "an admin address that is not one, of memlog",
    args: ["memlog", "--admin", "http://nowhere.invalid"],
    said: /no edge replies at the admin port "http:\/\/nowhere\.invalid\/" \(getaddrinfo ENOTFOUND/,
  },
];

// each test starts commands of its own, so two cores can run two of them
describe("a mistake", { concurrency: 2 }, () => {
  before(() => {
    writeFileSync(file, "");
    writeFileSync(edges, "1 2\n2 3\n");
    symlinkSync(loop, loop);
  });

  for (const { what, args, said, exit = 1, env = {} } of mistakes) {
    it(`${what} - exits ${exit} with one line: the value and the remedy`, async () => {
      const command = await EnckeCommand.run(args, { env });
      assert.match(command.stderr, said);
      assert.match(command.stderr, /^encke: [^\n]+\n$/, "exactly one line");
      assert.equal(command.exit, exit);
    });
  }

  it("an IPv6 address in brackets - is accepted", async () => {
    const broker = await EnckeCommand.start(["broker", "--embedded", "--port", "0"], /at nats:/);
    const nats = ["-s", broker.find(/at (nats:\S+)/)];
    const edge = await EnckeCommand.start(
      [...EDGE, ...nats, "--host", "[::1]", "--admin-host", "[::1]"],
      /edge at/,
    );
    assert.match(edge.stdout, /edge at http:\/\/\[::1\]:\d+\/, admin at http:\/\/\[::1\]:\d+\//);
    await edge.stop();
    await broker.stop();
  });

  it("a port in use - names the process that uses it, and the flag", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
    const { port } = squatter.address() as { port: number };
    for (const args of [
      ["edge", "--port", String(port), "--admin-port", "0"],
      ["broker", "--port", String(port)],
    ]) {
      const { stderr } = await EnckeCommand.run(args);
      assert.match(
        stderr,
        new RegExp(`${port} is taken: process ${process.pid} \\(".*"\\) listens there; choose .*--port`),
      );
    }
    squatter.close();
  });
});

describe("a damaged graph", () => {
  const whole = join(folder, "whole");
  const tables = (directory: string): string[] =>
    readdirSync(directory)
      .filter((name) => name.endsWith(".ldb"))
      .map((name) => join(directory, name));
  const damages: readonly [string, (directory: string) => void][] = [
    [
      "an overwritten table",
      (directory) => {
        for (const table of tables(directory)) writeFileSync(table, readFileSync(table).fill(0xff, 0, 4_096));
      },
    ],
    [
      "a truncated table",
      (directory) => {
        for (const table of tables(directory)) truncateSync(table, 1_000);
      },
    ],
    ["an invalid manifest", (directory) => writeFileSync(join(directory, "CURRENT"), "nonsense")],
  ];

  before(async () => {
    const many = join(folder, "many");
    await EnckeCommand.run(["graph", "generate", "--users", "2000", "--out", many]);
    await EnckeCommand.run(["graph", "load", many, "--data", whole]);
    await EnckeCommand.run(["graph", "about", "--data", whole]); // opening it turns the log into a table
    assert.ok(tables(whole).length > 0);
  });

  for (const [what, damage] of damages) {
    for (const args of [["about"], ["export"], ["load", edges], ["serve", ...NOWHERE]]) {
      it(`${what} - graph ${args[0]} reports it in one line`, async () => {
        const directory = join(tempDir(), "graph");
        mkdirSync(directory);
        cpSync(whole, directory, { recursive: true });
        damage(directory);
        const { exit, stderr } = await EnckeCommand.run(["graph", ...args, "--data", directory]);
        assert.match(
          stderr,
          /^encke: ".*graph" cannot be (opened|read) \((Corruption|IO error).*\): (restore|check).*\n$/,
        );
        assert.equal(exit, 1);
      });
    }
  }
});
