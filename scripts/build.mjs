// Builds dist/: the TypeScript of services and page, the native addons if there is a compiler, the page's
// static files, and the `encke` command, which `npx encke` then finds inside the checkout. The client package
// is built first, into client/dist/: as modules with types, and as one minified file, which the edge serves.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { buildAddons } from "./build-native.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const STATIC = /\.(html|css|svg)$/;

const clientModules = join(root, "client", "dist");
const clientBundle = join(clientModules, "encke-client.js");

rmSync(clientModules, { recursive: true, force: true });
for (const project of ["client/tsconfig.json", "tsconfig.json", "edge/page/tsconfig.json"]) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, project)], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
bundleClient();

removeLeftovers();
buildAddons();

const page = join(root, "edge", "page");
const built = join(root, "dist", "edge", "page");
mkdirSync(built, { recursive: true });
for (const name of readdirSync(page))
  if (STATIC.test(name)) copyFileSync(join(page, name), join(built, name));
copyFileSync(clientBundle, join(built, "encke-client.js"));

// npm links the commands of packages that it installs, but not those of the project that it installs them for
const command = join(root, "dist", "cli", "main.js");
const link = join(root, "node_modules", ".bin", "encke");
chmodSync(command, 0o755);
rmSync(link, { force: true });
symlinkSync(relative(dirname(link), command), link);

/** Prints the size, because pages pay for it. */
function bundleClient() {
  buildSync({
    entryPoints: [join(clientModules, "index.js")],
    outfile: clientBundle,
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning" },
  });
  const bytes = gzipSync(readFileSync(clientBundle), { level: 9 }).length;
  process.stdout.write(`encke-client: ${bytes} bytes, minified and gzipped\n`);
}

/** Removes compiled files whose source no longer exists, because a release must not contain them. */
function removeLeftovers() {
  const dist = join(root, "dist");
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    const source = name.replace(/(\.js|\.js\.map|\.d\.ts)$/, ".ts");
    if (source !== name && !existsSync(join(root, source))) rmSync(join(dist, name));
  }
}
