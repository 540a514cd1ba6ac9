// The graph of a run, generated from its seed. It is stored in a temporary folder, or in a given one where
// later runs of the same shape use it again. The shape is stored beside the data, because the expected
// deliveries are computed from it.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GraphShape, generateFriendships, loadFollows } from "../../graph/index.ts";
import { CommandError } from "../../lib/command-error.ts";
import { quote } from "../../lib/errors.ts";
import { writing } from "../../lib/flag-files.ts";
import { makeFolder } from "../../lib/make-folder.ts";

const SHAPE_FILE = "encke-million.json";

export interface RunGraph {
  readonly directory: string;
  /** True if the graph existed already. */
  readonly wasThere: boolean;
  /** Removes a temporary folder. */
  remove(): void;
}

/**
 * Creates the graph, or uses the one in the folder.
 * @param kept a folder to keep
 * @throws CommandError USAGE if it contains another graph
 */
export async function prepareGraph(
  shape: GraphShape,
  kept: string | undefined,
  onProgress: (done: number) => void,
): Promise<RunGraph> {
  if (kept !== undefined && existsSync(kept)) {
    const found = readShape(kept);
    if (found === JSON.stringify(shape)) return { directory: kept, wasThere: true, remove() {} };
    if (found !== undefined || existsSync(join(kept, "CURRENT"))) {
      throw new CommandError(
        "USAGE",
        `--data ${quote(kept)} holds another graph (${found ?? "not made by encke million"}), and this run needs ${JSON.stringify(shape)}: choose another folder`,
      );
    }
  }
  if (kept !== undefined) await writing("--data", kept, () => makeFolder(kept));
  const directory = kept ?? mkdtempSync(join(tmpdir(), "encke-million-"));
  const remove = (): void => {
    if (kept === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    await loadFollows(
      { name: "the run's graph", newcomers: generateFriendships(shape) },
      { directory, kind: "friendships", onProgress: (_phase, done) => onProgress(done) },
    );
    writeFileSync(join(directory, SHAPE_FILE), JSON.stringify(shape));
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, wasThere: false, remove };
}

function readShape(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, SHAPE_FILE), "utf8");
  } catch {
    return undefined; // not a graph of this command
  }
}
