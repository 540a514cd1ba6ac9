// Reading a file that a flag named.

import { readFileSync } from "node:fs";
import { messageOf, quote } from "../lib/errors.ts";
import { CliError } from "./errors.ts";

/** @throws CliError USAGE that names the flag */
export function readTextFile(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new CliError(
      "USAGE",
      `${flag} ${quote(path)} cannot be read (${messageOf(cause)}): check the path`,
      { cause },
    );
  }
}
