// A child's standard error on its way to ours, line by line. A child that inherited ours would share its flags, and
// either of the two could make the other's writes block (line-sink.ts); so each has a stream of its own, read here.

import type { Readable } from "node:stream";
import type { LineSink } from "./line-sink.ts";

/** A longer line goes on in parts: more is never held per child. */
const MAX_LINE_CHARS = 65_536;

/** Hands over whole lines as they come, and what is left when the stream ends. */
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
  source.on("error", () => {}); // the child is gone: its end is noticed where it is supervised
}
