// Formats the project's C++ and C by .clang-format, with the clang-format of the npm package of that name.
//
//   node scripts/clang-format.mjs           rewrites the files   node scripts/clang-format.mjs --check
// changes nothing; exits 1 if a file differs
//
// Exits 3 with the reason in one line if the package has no binary for this platform.

import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const UNAVAILABLE = 3;
const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const options = process.argv.includes("--check") ? ["--dry-run", "--Werror"] : ["-i"];

const listed = execFileSync("git", ["ls-files", "-z", "*.cc", "*.h", "*.c"], { cwd: root, encoding: "utf8" });
const files = listed.split("\0").filter(Boolean);
const { status } = spawnSync(findClangFormat(), [...options, ...files], { cwd: root, stdio: "inherit" });
process.exit(status ?? 1);

function findClangFormat() {
  let binary;
  try {
    binary = createRequire(import.meta.url)("clang-format-node").clangFormatPath;
  } catch (error) {
    process.stderr.write(`encke: no clang-format here: ${error.message.split("\n")[0]}\n`);
    process.exit(UNAVAILABLE);
  }
  try {
    accessSync(binary, constants.X_OK);
  } catch {
    chmodSync(binary, 0o755); // the package's install script would do this, but npm runs none
  }
  return binary;
}
