// Before `npm start` and `npm test`: installs what is missing and builds. Needs Node and npm, nothing else. What a
// machine cannot have is said in one line, and what needs it is left out.
//
//   node scripts/prepare.mjs           packages, dist/, a nats-server where Debian has one
//   node scripts/prepare.mjs --test    and what only tests need: Chromium, Ansible and its lints, libfaketime, promtool

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache");
const forTests = process.argv.includes("--test");

/** What tests need beyond Node, by what finds it: Debian packages, installed by root; without them those tests skip. */
const FOR_TESTS = [
  { command: "chromium", packages: ["chromium"], without: "the page's tests are skipped" },
  { command: "ansible-playbook", packages: ["ansible-core"], without: "playbooks are not checked" },
  { command: "ansible-lint", packages: ["ansible-lint"], without: "playbooks are not linted" },
  { command: "faketime", packages: ["faketime"], without: "no test sets the wall clock" },
  { command: "ip", packages: ["iproute2"], without: "no test has a machine that vanishes" },
  { command: "yamllint", packages: ["yamllint"], without: "YAML is not linted" },
];
/** What the lab needs as well: installed where it is asked for by RUN_LAB=1, for its end-to-end test. */
const FOR_LAB = [
  { command: "systemd-nspawn", packages: ["systemd-container"], without: "there is no lab" },
  { command: "mmdebstrap", packages: ["mmdebstrap"], without: "there is no lab" },
  { command: "ssh", packages: ["openssh-client"], without: "there is no lab" },
];

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

/** `npm ci` unless exactly this lock file was installed before. */
function installPackages() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const marker = join(root, "node_modules", ".encke-lock");
  if (existsSync(marker) && readFileSync(marker, "utf8") === lock) return;
  note("installing packages …");
  // no package's install script is needed: LevelDB comes with its binaries
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { stdio: "inherit", required: true });
  writeFileSync(marker, lock);
}

function fetchNatsServer() {
  fetchUnpacked("nats-server", "usr/sbin/nats-server", "the embedded broker serves");
}

/** Checks pages of metrics. Its package also contains Prometheus itself, which no test needs. */
function fetchPromtool() {
  fetchUnpacked("prometheus", "usr/bin/promtool", "the names of metrics are not checked");
  rmSync(join(cache, "prometheus", "usr", "bin", "prometheus"), { force: true });
}

/** Unpacks a Debian package into our cache for one of its programs: no service is started, and no root is needed. */
function fetchUnpacked(name, program, without) {
  const target = join(cache, name);
  const command = basename(program);
  if (isOnPath(command) || isExecutable(join(target, program))) return;
  if (!has("apt-get") || !has("dpkg"))
    return note(`no ${command} here and no Debian to get it from: ${without}`);
  const folder = join(cache, "deb");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!download(name, folder)) return note(`no ${command} to be had from Debian's archive: ${without}`);
  const [deb = ""] = readdirSync(folder).filter((file) => file.endsWith(".deb"));
  if (!run("dpkg", ["-x", join(folder, deb), target]).ok)
    note(`${command} could not be unpacked: ${without}`);
}

/** With the system's package lists, else with lists of our own (the system's may be empty, and are root's). */
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

function installForTests() {
  const wanted = [...FOR_TESTS, ...(process.env.RUN_LAB === "1" ? FOR_LAB : [])];
  const missing = wanted.filter(({ command }) => !isOnPath(command));
  if (missing.length === 0) return;
  const give = () => {
    for (const { packages, without } of missing.filter(({ command }) => !isOnPath(command)))
      note(`no ${packages.join(", ")} here and no way to install it: ${without}`);
  };
  if (!has("apt-get") || process.getuid?.() !== 0) return give();
  const packages = missing.flatMap((one) => one.packages);
  note(`installing ${packages.join(", ")} for the tests …`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = (names) =>
    run("apt-get", ["install", "-y", "--no-install-recommends", ...names], { env, timeout: 600_000 }).ok;
  if (install(packages)) return;
  run("apt-get", ["update"], { env, timeout: 120_000 });
  // together, else one by one: what can be had is had
  if (!install(packages)) for (const name of packages) install([name]);
  give();
}

function isOnPath(command) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, command)));
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

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function note(text) {
  process.stderr.write(`encke: ${text}\n`);
}

function fail(text) {
  note(text);
  process.exit(1);
}
