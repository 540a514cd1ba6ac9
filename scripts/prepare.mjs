// Runs before `npm start` and `npm test`: installs what is missing, and builds. Needs only Node and npm.
// Reports in one line what a machine cannot have, and continues without it.
//
//   node scripts/prepare.mjs           installs npm packages and nats-server, and builds dist/
//   node scripts/prepare.mjs --test    also promtool, and the Debian packages for tests (test-packages.mjs)

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installForTests, isExecutable, isOnPath } from "./test-packages.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache");
const forTests = process.argv.includes("--test");

checkNode();
installPackages();
run(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: "inherit", required: true });
fetchNatsServer();
if (forTests) {
  installForTests();
  fetchPromtool();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node ${process.versions.node} is too old: Encke needs 20.19 or newer`);
}

/** Runs `npm ci`, unless this exact lock file was installed before. */
function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const marker = join(root, "node_modules", ".encke-lock");
  if (existsSync(marker) && readFileSync(marker, "utf8") === lock) return;
  note("installing packages …");
  // no install script is needed: LevelDB comes with its binaries
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { stdio: "inherit", required: true });
  writeFileSync(marker, lock);
}

function fetchNatsServer() {
  fetchUnpacked("nats-server", "usr/sbin/nats-server", "the embedded broker is used");
}

/**
 * Downloads promtool, which checks metrics pages. Its package also contains Prometheus, which no test needs.
 */
function fetchPromtool() {
  fetchUnpacked("prometheus", "usr/bin/promtool", "names of metrics are not checked");
  rmSync(join(cache, "prometheus", "usr", "bin", "prometheus"), { force: true });
}

/**
 * Unpacks a Debian package into our cache for one of its programs, without starting a service and without
 * root.
 */
function fetchUnpacked(name, program, without) {
  const target = join(cache, name);
  const command = basename(program);
  if (isOnPath(command) || isExecutable(join(target, program))) return;
  if (!has("apt-get") || !has("dpkg"))
    return note(`no ${command} here, and no Debian to download it from: ${without}`);
  const folder = join(cache, "deb");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!download(name, folder)) return note(`Debian's archive does not offer ${command} here: ${without}`);
  const [deb = ""] = readdirSync(folder).filter((file) => file.endsWith(".deb"));
  if (!run("dpkg", ["-x", join(folder, deb), target]).ok)
    note(`${command} could not be unpacked: ${without}`);
}

/** Uses the system's package lists, or lists of our own if those are empty (only root may update them). */
function download(name, folder) {
  if (run("apt-get", ["download", name], { cwd: folder }).ok) return true;
  const state = join(cache, "apt");
  for (const part of ["lists/partial", "archives/partial"]) mkdirSync(join(state, part), { recursive: true });
  const own = [
    `Dir::State::lists=${state}/lists`,
    `Dir::Cache=${state}`,
    `Dir::Cache::archives=${state}/archives`,
  ];
  const options = [...own, "APT::Sandbox::User="].flatMap((option) => ["-o", option]);
  const updated = run("apt-get", [...options, "update"], { timeout: 120_000 }).ok;
  return updated && run("apt-get", [...options, "download", name], { cwd: folder }).ok;
}

function run(command, args, { required = false, ...options } = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "ignore", ...options });
  const ok = error === undefined && status === 0;
  if (!ok && required) fail(`${command} ${args.join(" ")} failed: see above`);
  return { ok };
}

function has(command) {
  return run(command, ["--version"]).ok;
}

function note(text) {
  process.stderr.write(`encke: ${text}\n`);
}

function fail(text) {
  note(text);
  process.exit(1);
}
