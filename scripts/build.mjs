// Builds dist/: the TypeScript of services and page, the native addons if there is a compiler, the page's
// static files, and the `encke` command, which `npx encke` then finds inside the checkout.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAddons } from "./build-native.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const STATIC = /\.(html|css|svg)$/;

for (const project of ["tsconfig.json", "edge/page/tsconfig.json"]) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, project)], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

removeLeftovers();
buildAddons();

const page = join(root, "edge", "page");
const built = join(root, "dist", "edge", "page");
mkdirSync(built, { recursive: true });
for (const name of readdirSync(page))
  if (STATIC.test(name)) copyFileSync(join(page, name), join(built, name));

// npm links the commands of packages that it installs, but not those of the project that it installs them for
const command = join(root, "dist", "cli", "main.js");
const link = join(root, "node_modules", ".bin", "encke");
chmodSync(command, 0o755);
rmSync(link, { force: true });
symlinkSync(relative(dirname(link), command), link);

/** Removes compiled files whose source no longer exists, because a release must not contain them. */
function removeLeftovers() {
  const dist = join(root, "dist");
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const source = name.replace(/(\.js|\.js\.map|\.d\.ts)$/, ".ts");
    if (source !== name && !existsSync(join(root, source))) rmSync(join(dist, name));
  }
}
