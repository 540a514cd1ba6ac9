// Measures the graph in bulk: generated twice, checked, parsed and loaded, each step in a process of its own.
// Reports CPU (user and system, including LevelDB's threads) and peak memory as one JSON line, then a table
// of figures and limits; exits with 1 if a limit is missed. Needs 700 MB of disk temporarily. `node
// dist/bench/graph-bulk.js [--users 1000000]`

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./support/report.ts";

interface Metered {
  readonly output: string;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}
interface Limit {
  readonly figure: string;
  readonly value: number;
  readonly least?: number;
  readonly most: number;
}

const { values } = parseArgs({ options: { users: { type: "string", default: "1000000" } } });
const users = Number(values.users);
const EDGES = 15;

const folder = mkdtempSync(join(tmpdir(), "encke-bulk-"));
const file = join(folder, "edges.txt");
const again = join(folder, "again.txt");
const data = join(folder, "graph");
try {
  const generate = (out: string): Promise<Metered> =>
    encke(
      "graph",
      "generate",
      "--users",
      String(users),
      "--edges",
      String(EDGES),
      "--seed",
      "1",
      "--out",
      out,
    );
  const generated = await generate(file);
  await generate(again);
  const digest = await sha256(file);
  const isSame = digest === (await sha256(again));
  rmSync(again);
  const checked = await encke("graph", "check", file, "--json");
  const shape = JSON.parse(checked.output) as {
    friendships: number;
    degree: { min: number; median: number; p99: number; max: number };
    powerLaw: { exponent: number; from: number };
  };
  const parse = await metered(["dist/bench/graph-parse.js", file]);
  const loaded = await encke("graph", "load", file, "--data", data, "--json");
  const counted = JSON.parse(loaded.output) as { follows: number };
  const expected = ((EDGES - 1) * EDGES) / 2 + (users - EDGES) * EDGES;

  const limits: Limit[] = [
    { figure: "generate, CPU s", value: generated.cpuSeconds, most: 8 },
    { figure: "generate, peak MB", value: generated.peakMb, most: 250 },
    { figure: "same seed, other bytes", value: Number(!isSame), most: 0 },
    { figure: "friendships", value: shape.friendships, least: expected, most: expected },
    { figure: "lowest degree", value: shape.degree.min, least: EDGES, most: EDGES },
    { figure: "p99 degree", value: shape.degree.p99, least: 150, most: 155 },
    {
      figure: `exponent from degree ${shape.powerLaw.from} on`,
      value: shape.powerLaw.exponent,
      least: 2.95,
      most: 3.1,
    },
    { figure: "parse, CPU s of the whole process", value: parse.cpuSeconds, most: 3 },
    { figure: "load both directions, CPU s", value: loaded.cpuSeconds, most: 15 },
    { figure: "load, peak MB", value: loaded.peakMb, most: 600 },
    { figure: "graph on disk, MB", value: sizeOf(data) / 1e6, most: 200 },
    { figure: "follow relations", value: counted.follows, least: 2 * expected, most: 2 * expected },
  ];
  const figures = Object.fromEntries(limits.map(({ figure, value }) => [figure, round(value)]));
  const { median, max } = shape.degree;
  report("graph in bulk", {
    users,
    sha256: digest,
    ...figures,
    median,
    max,
    "check, CPU s": round(checked.cpuSeconds),
  });
  print(limits);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function encke(...args: string[]): Promise<Metered> {
  return metered(["dist/cli/main.js", ...args]);
}

/**
 * Runs a program of dist/ until it ends.
 * @throws Error if it fails
 */
async function metered([program = "", ...args]: readonly string[]): Promise<Metered> {
  const root = new URL("../../", import.meta.url);
  const meter = new URL("dist/bench/meter.js", root).href;
  const child = spawn(process.execPath, ["--import", meter, fileURLToPath(new URL(program, root)), ...args], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [, out, , figures] = child.stdio;
  const [output, taken, code] = await Promise.all([text(out as Readable), text(figures as Readable), ended]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: see its output above`);
  return { output, ...(JSON.parse(taken) as Omit<Metered, "output">) };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

function round(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? 12 : 4));
}

function print(limits: readonly Limit[]): void {
  const lines = limits.map(({ figure, value, least, most }) => {
    const isMissed = value > most || (least !== undefined && value < least);
    if (isMissed) process.exitCode = 1;
    const wanted = least === undefined ? `≤ ${most}` : least === most ? `${most}` : `${least}–${most}`;
    return `| ${figure} | ${round(value)} | ${wanted} | ${isMissed ? "missed" : "reached"} |`;
  });
  process.stdout.write(
    ["| figure | measured | wanted | |", "| --- | --- | --- | --- |", ...lines, ""].join("\n"),
  );
}
