// Runs every test with Node's own runner: each *.test.ts in the tree, as compiled in dist/. Arguments select
// files whose path contains one of them: `npm test -- graph/store`.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const FOLDERS = ["lib", "broker", "graph", "edge", "client", "cli", "load", "infra", "test"];
/**
 * Node would run one file at a time on two cores, although most files wait for processes most of the time.
 */
const CONCURRENCY = Math.max(2, availableParallelism() - 1);
/** No test file takes this long; one that hangs must not block the others. */
const TIMEOUT_MS = 420_000;

const wanted = process.argv.slice(2);
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true }),
)
  .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .sort()
  .map((path) => join(root, compiledOf(path)));

/** The client is a package, which has a dist/ of its own. */
function compiledOf(path) {
  const name = path.replace(/\.ts$/, ".js");
  return name.startsWith("client/") ? name.replace("client/", "client/dist/") : join("dist", name);
}

const { status } = spawnSync(
  process.execPath,
  [
    "--test",
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TIMEOUT_MS}`,
    "--test-reporter=spec",
    ...files,
  ],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exit(status ?? 1);
