// The commands of the load/ workspace: load generators, measurements and checks. They are mounted if that
// workspace is installed, as in a checkout. A release does not contain it, and works without these commands.

import type { Command } from "../lib/command.ts";
import { codeOf } from "../lib/errors.ts";

/**
 * Resolves with the commands of load/, or with none if that workspace or one of its dependencies is not
 * installed.
 */
export async function importLoadCommands(): Promise<readonly Command[]> {
  try {
    return (await import("../load/commands/index.ts")).commands;
  } catch (error) {
    if (codeOf(error) === "ERR_MODULE_NOT_FOUND") return [];
    throw error;
  }
}
