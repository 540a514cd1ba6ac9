// Builds dist/: the services' and the page's TypeScript, the page's static files, the command's executable bit.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const STATIC = /\.(html|css|svg)$/;

for (const project of ["tsconfig.json", "edge/page/tsconfig.json"]) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, project)], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

const page = join(root, "edge", "page");
const built = join(root, "dist", "edge", "page");
mkdirSync(built, { recursive: true });
for (const name of readdirSync(page))
  if (STATIC.test(name)) copyFileSync(join(page, name), join(built, name));
chmodSync(join(root, "dist", "cli", "main.js"), 0o755);
