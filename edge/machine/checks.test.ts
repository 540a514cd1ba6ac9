import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Check, checkMachine, memoryFor } from "./checks.ts";
import { type Machine, type ProcTexts, parseMachine } from "./machine.ts";

/** The files of a Debian machine with 24 GiB. */
const TEXTS: ProcTexts = {
  limits: `Limit                     Soft Limit           Hard Limit           Units
Max processes             95935                95935                processes
Max open files            20000                20000                files
`,
  nrOpen: "1048576\n",
  fileMax: "9223372036854775807\n",
  fileNr: "2240\t0\t9223372036854775807\n",
  epollWatches: "5491533\n",
  meminfo: "MemTotal:       24683128 kB\nMemFree:        20000000 kB\nMemAvailable:   23437500 kB\n",
  somaxconn: "4096\n",
  ports: "32768\t60999\n",
  tcpMem: "287901\t383869\t575802\n",
  tcpRmem: "4096\t131072\t33554432\n",
  tcpWmem: "4096\t16384\t4194304\n",
  conntrackMax: undefined,
  conntrackCount: undefined,
};

function machine(texts: Partial<ProcTexts> = {}, rest: Partial<Machine> = {}): Machine {
  return {
    ...parseMachine({ ...TEXTS, ...texts }),
    natsServer: true,
    addons: { pool: true, flood: true },
    ...rest,
  };
}

const find = (checks: readonly Check[], name: string): Check | undefined =>
  checks.find((check) => check.name === name);

describe("parseMachine", () => {
  it("/proc's texts - become numbers, or undefined if the kernel does not have them", () => {
    const { openFiles, ports, memAvailableBytes, filesOpen, tcpMem, conntrackMax } = machine();
    assert.deepEqual(openFiles, { soft: 20_000, hard: 20_000 });
    assert.deepEqual([ports, memAvailableBytes, filesOpen], [28_232, 24e9, 2_240]);
    assert.deepEqual([tcpMem, conntrackMax], [[287_901, 383_869, 575_802], undefined]);
  });

  it("unlimited values and a missing /proc - become numbers too", () => {
    const limits = "Max open files            unlimited            unlimited            files";
    assert.equal(machine({ limits }).openFiles.soft, Number.MAX_SAFE_INTEGER);
    const nothing = Object.fromEntries(Object.keys(TEXTS).map((key) => [key, undefined])) as ProcTexts;
    assert.equal(parseMachine(nothing).openFiles.soft, 1_024);
    assert.deepEqual(
      checkMachine(
        { ...parseMachine(nothing), natsServer: true, addons: { pool: true, flood: true } },
        1_000,
      ).filter(({ verdict }) => verdict !== "ok"),
      [],
    );
  });
});

describe("checkMachine", () => {
  it("machine that can hold a million - has no findings and no commands", () => {
    for (const { name, verdict, remedy } of checkMachine(machine(), 1_000_000))
      assert.deepEqual([name, verdict, remedy], [name, "ok", ""]);
  });

  const lacking: readonly (readonly [string, Machine, Check["verdict"], string, RegExp])[] = [
    [
      "a limit of 256 files",
      machine({ limits: "Max open files 256 4096 files" }),
      "bad",
      "open files a process",
      /^ulimit -n 1048576/,
    ],
    [
      "few files in all",
      machine({ fileMax: "100000" }),
      "bad",
      "fs.file-max",
      /^sysctl -w fs\.file-max=2097152$/,
    ],
    ["few watches", machine({ epollWatches: "400000" }), "bad", "fs.epoll.max_user_watches", /=2097152$/],
    [
      "4 GB",
      machine({ meminfo: "MemAvailable: 4000000 kB" }),
      "bad",
      "memory available",
      /^encke million --connections \d+000$/,
    ],
    ["a thousand ports", machine({ ports: "60000 60999" }), "ok", "ip_local_port_range", /^$/],
    [
      "hardly any ports",
      machine({ ports: "60900 60999" }),
      "bad",
      "ip_local_port_range",
      /^sysctl -w net\.ipv4\.ip_local_port_range=/,
    ],
    ["a short accept queue", machine({ somaxconn: "128" }), "hint", "net.core.somaxconn", /=16384$/],
    [
      "little memory for TCP",
      machine({ tcpMem: "1000 2000 3000" }),
      "hint",
      "net.ipv4.tcp_mem, pressure",
      /"250000 500000 1000000"$/,
    ],
    [
      "large send buffers",
      machine({ tcpWmem: "4096 1048576 4194304" }),
      "hint",
      "tcp_wmem, tcp_rmem",
      /tcp_wmem=/,
    ],
    [
      "a tracking firewall",
      machine({ conntrackMax: "262144", conntrackCount: "17" }),
      "bad",
      "nf_conntrack_max",
      /=1048576$/,
    ],
    [
      "a firewall at rest",
      machine({ conntrackMax: "262144", conntrackCount: "0" }),
      "hint",
      "nf_conntrack_max",
      /=1048576$/,
    ],
    ["no nats-server", machine({}, { natsServer: false }), "hint", "nats-server", /^apt install nats-server/],
    [
      "no native code",
      machine({}, { addons: { pool: false, flood: true } }),
      "hint",
      "native code",
      /npm run build$/,
    ],
  ];
  for (const [what, lackingMachine, verdict, name, remedy] of lacking) {
    it(`${what} - is ${verdict}, with a command`, () => {
      const check = find(checkMachine(lackingMachine, 1_000_000), name);
      assert.equal(check?.verdict, verdict);
      assert.match(check?.remedy ?? "missing", remedy);
    });
  }

  it("number of connections that memory allows - passes the check, and is not much too low", () => {
    const small = machine({ meminfo: "MemAvailable: 4000000 kB" });
    const fits = Number(
      /\d+/.exec(find(checkMachine(small, 1_000_000), "memory available")?.remedy ?? "")?.[0],
    );
    assert.equal(find(checkMachine(small, fits), "memory available")?.verdict, "ok");
    assert.equal(find(checkMachine(small, fits + 2_000), "memory available")?.verdict, "bad");
    assert.ok(memoryFor(1_000_000, machine()) > 9.4e9);
  });
});
