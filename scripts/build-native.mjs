// Builds the project's Node-API addons into dist/, by an explicit node-gyp call that downloads nothing. It
// uses Node's own headers if they are installed, else those of the npm package node-api-headers with the
// system's libuv. Without a compiler it takes a binary from the addon's prebuilds/, and otherwise reports in
// one line that the TypeScript implementation is used. An addon that is up to date (sources, flags, Node's
// ABI) is not built again, so `npm start` may call this every time.
//
//   node scripts/build-native.mjs           builds all addons
//   import { buildAddon }                   builds one with other flags, for scripts/sanitize.mjs

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SHARED = join(root, "edge", "native");
const SOURCE = /\.(cc|h|gyp|gypi)$/;
/** A compiler that takes longer has hung. */
const TIMEOUT_MS = 300_000;

/** Folder of an addon (its binding.gyp), its file in dist/, and what is used where it cannot be built. */
export const ADDONS = [
  { folder: "edge/pool/native", target: "pool", without: "the plain pool serves" },
  { folder: "load/native", target: "load", without: "flood runs in TypeScript" },
];

/** Builds every addon that is not up to date. Never throws if tools are missing. */
export function buildAddons() {
  for (const addon of ADDONS) {
    if (!existsSync(join(root, addon.folder, "binding.gyp"))) continue;
    const problem = buildAddon(addon);
    if (problem !== undefined) note(`no native code for ${addon.folder} (${problem}): ${addon.without}`);
  }
}

/**
 * Builds one addon to dist/<folder>/<target>.node, or to `output`. Returns a short reason if that is
 * impossible. `env` may contain CXXFLAGS and LDFLAGS.
 */
export function buildAddon({ folder, target }, { env = {}, output } = {}) {
  const source = join(root, folder);
  const file = output ?? join(root, "dist", folder, `${target}.node`);
  const headers = findHeaders();
  const stamp = `${file}.stamp`;
  const hash = hashOf(source, JSON.stringify([env, headers, process.arch, process.versions.modules]));
  if (existsSync(file) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return undefined;
  rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  const missing = missingTool(headers);
  const prebuilt = join(source, "prebuilds", `${process.platform}-${process.arch}`, `${target}.node`);
  if (missing !== undefined && existsSync(prebuilt)) {
    copyFileSync(prebuilt, file);
    return undefined;
  }
  if (missing !== undefined) return missing;
  const log = join(root, ".cache", "native", `${target}.log`);
  mkdirSync(dirname(log), { recursive: true });
  const nodeGyp = join(root, "node_modules", "node-gyp", "bin", "node-gyp.js");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [nodeGyp, "rebuild", "--directory", source, "--nodedir", headers, "--silent"],
    { cwd: root, env: { ...process.env, ...env }, encoding: "utf8", timeout: TIMEOUT_MS },
  );
  writeFileSync(log, `${stdout}${stderr}`);
  if (status !== 0) return `the compiler failed, see .cache/native/${target}.log`;
  if (/\bwarning: /.test(stderr)) process.stderr.write(stderr);
  copyFileSync(join(source, "build", "Release", `${target}.node`), file);
  writeFileSync(stamp, hash);
  return undefined;
}

/**
 * Returns a folder with include/node/, as node-gyp's --nodedir requires. Any Node's headers work, because the
 * ABI is Node-API's.
 */
function findHeaders() {
  const folders = [dirname(dirname(process.execPath)), "/usr", "/usr/local"];
  const needed = ["node_api.h", "uv.h", "common.gypi"];
  const isComplete = (folder) => needed.every((name) => existsSync(join(folder, "include", "node", name)));
  return folders.find(isComplete) ?? gatherHeaders();
}

/**
 * Arranges Node-API's headers from npm and the system's libuv like Node's own. Undefined without libuv's
 * headers.
 */
function gatherHeaders() {
  const api = join(root, "node_modules", "node-api-headers", "include");
  const uv = ["/usr/include", "/usr/local/include"].find((folder) => existsSync(join(folder, "uv.h")));
  if (uv === undefined || !existsSync(api)) return undefined;
  const folder = join(root, ".cache", "native", "headers");
  const include = join(folder, "include", "node");
  mkdirSync(join(include, "uv"), { recursive: true });
  for (const name of readdirSync(api)) copyFileSync(join(api, name), join(include, name));
  copyFileSync(join(uv, "uv.h"), join(include, "uv.h"));
  for (const name of readdirSync(join(uv, "uv")))
    copyFileSync(join(uv, "uv", name), join(include, "uv", name));
  copyFileSync(join(SHARED, "common.gypi"), join(include, "common.gypi"));
  return folder;
}

function missingTool(headers) {
  if (process.platform !== "linux") return `it needs Linux' epoll, and this is ${process.platform}`;
  if (headers === undefined)
    return "neither Node's headers nor libuv's are installed: apt install libuv1-dev";
  if (!existsSync(join(root, "node_modules", "node-gyp"))) return "node-gyp is not installed: npm ci";
  const tools = {
    make: "make",
    [process.env.CXX ?? "g++"]: "g++",
    [process.env.PYTHON ?? "python3"]: "python3",
  };
  for (const [command, name] of Object.entries(tools)) {
    if (spawnSync(command, ["--version"], { stdio: "ignore" }).status !== 0)
      return `no ${name}: apt install ${name}`;
  }
  return undefined;
}

function hashOf(source, extra) {
  const hash = createHash("sha256").update(extra);
  for (const folder of [SHARED, source]) {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const name of names.filter((path) => SOURCE.test(path) && !path.startsWith("build")).sort())
      hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
}

function note(text) {
  process.stderr.write(`encke: ${text}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildAddons();
