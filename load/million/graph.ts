// The run's graph: made once from its seed, in a folder that goes with the run, or in one that stays and is used again
// by the next run with the same shape. The shape is written beside the data: what the streams must receive is computed
// from it.

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
  /** It was there already. */
  readonly wasThere: boolean;
  /** Removes what was made for this run only. */
  remove(): void;
}

/** @param kept the folder that stays; @throws CommandError USAGE where another graph is in it */
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
        `--data ${quote(kept)} holds another graph (${found ?? "not made by encke million"}), this run needs ${JSON.stringify(shape)}: name another folder`,
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
    return undefined; // no graph of ours
  }
}
