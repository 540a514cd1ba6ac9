import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { Fifo } from "../test/support/fifo.ts";

const LINES = 20_000;
const LINE = "x".repeat(100);
const OUTPUT = new URL("./output" + import.meta.url.slice(-3), import.meta.url).href;
/** Writes lines to standard error, and reports on standard output how many were dropped. */
const PROGRAM = `
  const { droppedLines, standardError } = await import(${JSON.stringify(OUTPUT)});
  for (let n = 0; n < ${LINES}; n += 1) standardError.write("line " + n + " ${LINE}\\n");
  const startedAt = performance.now();
  standardError.writePatiently("last words ${LINE}${LINE}\\n", 300);
  const waitedMs = performance.now() - startedAt;
  process.stdout.write(JSON.stringify({ dropped: droppedLines(), waitedMs }) + "\\n");
  process.stdin.resume();
`;

interface Outcome {
  readonly dropped: number;
  readonly waitedMs: number;
}

function start(stderr: number | "pipe"): ChildProcess {
  return spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    stdio: ["pipe", "pipe", stderr],
  });
}

/**
 * Resolves with the report when the child has ended. Its streams must be read until then, because Node
 * empties those of an ended child.
 */
async function outcomeOf(child: ChildProcess, ends = true): Promise<Outcome> {
  const [said] = await once(child.stdout ?? child, "data");
  if (ends) child.stdin?.end();
  return JSON.parse(String(said)) as Outcome;
}

describe("lines to an output that cannot be written", () => {
  it("full disk - drops and counts every line, and the process continues", async () => {
    const full = openSync("/dev/full", "w");
    const { dropped } = await outcomeOf(start(full));
    closeSync(full);
    assert.equal(dropped, LINES + 1);
  });

  it("closed pipe - drops and counts every line, and the process continues", async () => {
    const child = start("pipe");
    child.stderr?.destroy();
    assert.equal((await outcomeOf(child)).dropped, LINES + 1);
  });

  it("unread pipe - accepts what fits and drops the rest; only a final message waits", async () => {
    const fifo = new Fifo();
    const { dropped, waitedMs } = await outcomeOf(start(fifo.fd));
    const lines = fifo.read().split("\n");
    fifo.close();
    const begun = lines.pop();
    assert.equal(lines.length, LINES + 1 - dropped - Number(begun !== ""));
    for (const [n, line] of lines.entries()) assert.equal(line, `line ${n} ${LINE}`);
    assert.ok(dropped > LINES / 2 && waitedMs >= 300 && waitedMs < 5_000, `${dropped} lines, ${waitedMs} ms`);
  });

  it("unread socket - accepts what fits and drops the rest; only a final message waits", async () => {
    const child = start("pipe"); // Node makes sockets of its children's pipes
    const { dropped, waitedMs } = await outcomeOf(child, false);
    child.stdin?.end();
    const lines = (await text(child.stderr ?? Readable.from([]))).split("\n");
    assert.ok(dropped > LINES / 2 && waitedMs < 5_000, `${dropped} lines, ${waitedMs} ms`);
    assert.equal(lines.filter((line) => /^line \d+ x{100}$/.test(line)).length, lines.length - 1);
  });

  it("closed descriptor - is replaced by /dev/null", async () => {
    const node = [process.execPath, "--input-type=module", "-e", PROGRAM];
    const child = spawn("sh", ["-c", 'exec "$@" 2>&-', "sh", ...node], { stdio: ["pipe", "pipe", "pipe"] });
    assert.equal((await outcomeOf(child)).dropped, 0);
  });

  it("late reader - receives whole lines, including one that was written in part before", async () => {
    const fifo = new Fifo();
    const child = spawn(
      process.execPath,
      [
        ...["--input-type=module", "-e"],
        `const { standardError } = await import(${JSON.stringify(OUTPUT)});
         const long = "y".repeat(50_000);
         for (let n = 0; n < 4; n += 1) standardError.write(n + long + "\\n");
         process.stdout.write("full\\n");
         process.stdin.once("data", () => { standardError.write("at last\\n"); process.exit(); });`,
      ],
      { stdio: ["pipe", "pipe", fifo.fd] },
    );
    await once(child.stdout ?? child, "data");
    const first = fifo.read();
    child.stdin?.end("go\n");
    await once(child, "exit");
    const lines = (first + fifo.read()).split("\n");
    fifo.close();
    assert.deepEqual(
      lines.map((line) => line.replace(/y{50000}$/, "…")),
      ["0…", "1…", "at last", ""],
    );
  });
});

describe("lines to a pipe that other programs share", () => {
  it("flags of the pipe - are not changed", async () => {
    const fifo = new Fifo();
    const flags = (): string => readFileSync(`/proc/self/fdinfo/${fifo.fd}`, "utf8").split("\n")[1] ?? "";
    const before = flags();
    await outcomeOf(start(fifo.fd));
    assert.equal(flags(), before);
    fifo.close();
  });
});
