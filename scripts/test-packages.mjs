// The Debian packages that some tests need. `npm test` installs them if it runs as root; otherwise those
// tests are skipped. Before anything is installed, it prints the packages, what each is for, and how to run
// the tests without them.
//
//   node scripts/test-packages.mjs     lists what is missing here and installs nothing

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A command that shows whether a package is installed, and what happens without it. */
const FOR_TESTS = [
  { command: "chromium", name: "chromium", without: "the tests of the live page are skipped" },
  { command: "ansible-playbook", name: "ansible-core", without: "playbooks are not checked" },
  { command: "ansible-lint", name: "ansible-lint", without: "playbooks are not linted" },
  { command: "faketime", name: "faketime", without: "the tests that set the wall clock are skipped" },
  { command: "ip", name: "iproute2", without: "the tests that cut a network are skipped" },
  { command: "yamllint", name: "yamllint", without: "YAML is not linted" },
];
/** The lab's end-to-end test, which runs only with RUN_LAB=1, needs these as well. */
const FOR_LAB = [
  { command: "systemd-nspawn", name: "systemd-container", without: "the lab's test is skipped" },
  { command: "mmdebstrap", name: "mmdebstrap", without: "the lab's test is skipped" },
  { command: "ssh", name: "openssh-client", without: "the lab's test is skipped" },
];
const INSTALL_MS = 600_000;
const UPDATE_MS = 120_000;

/** Installs missing packages if that is possible, and lists those that are still missing. Never throws. */
export function installForTests() {
  const missing = findMissing();
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !isOnPath("apt-get")) {
    note(`These Debian packages are not installed, and only root can install them with apt-get:`);
    return list(missing);
  }
  note("Some tests need Debian packages that are not installed here. Installing them now with apt-get:");
  list(missing);
  note("To run the other tests without installing anything, interrupt this and run:");
  note("  node scripts/prepare.mjs && npm test --ignore-scripts");
  // one by one if not all are available: each package enables some tests
  const names = missing.map(({ name }) => name);
  if (!apt(INSTALL_MS, "install", "-y", "--no-install-recommends", ...names)) {
    apt(UPDATE_MS, "update");
    if (!apt(INSTALL_MS, "install", "-y", "--no-install-recommends", ...names))
      for (const name of names) apt(INSTALL_MS, "install", "-y", "--no-install-recommends", name);
  }
  const failed = findMissing();
  if (failed.length === 0) return;
  note("apt-get could not install:");
  list(failed);
}

function findMissing() {
  const needed = [...FOR_TESTS, ...(process.env.RUN_LAB === "1" ? FOR_LAB : [])];
  return needed.filter(({ command }) => !isOnPath(command));
}

function list(missing) {
  for (const { name, without } of missing) note(`  ${name.padEnd(18)} without it, ${without}`);
}

function apt(timeout, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync("apt-get", args, { stdio: "ignore", env, timeout });
  return status === 0;
}

export function isOnPath(command) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => folder !== "" && isExecutable(join(folder, command)));
}

export function isExecutable(path) {
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

if (process.argv[1] === fileURLToPath(import.meta.url)) list(findMissing());
