// Forwards the standard error of a child process to ours, line by line. If a child inherited ours, the two
// would share its flags, and either could make the other's writes block (line-sink.ts). So each child writes
// to a pipe of its own, which is read here.

import type { Readable } from "node:stream";
import type { LineSink } from "../../lib/line-sink.ts";

/** A longer line is forwarded in parts, which bounds the memory per child. */
const MAX_LINE_CHARS = 65_536;

/** Forwards each complete line, and the unfinished rest when the stream ends. */
export function forwardLines(source: Readable, target: LineSink): void {
  let begun = "";
  source.setEncoding("utf8");
  source.on("data", (text: string) => {
    const lines = (begun + text).split("\n");
    begun = lines.pop() ?? "";
    for (const line of lines) target.write(`${line}\n`);
    if (begun.length < MAX_LINE_CHARS) return;
    target.write(begun);
    begun = "";
  });
  source.on("end", () => {
    if (begun !== "") target.write(`${begun}\n`);
  });
  source.on("error", () => {}); // the child is gone, which its supervisor notices
}
