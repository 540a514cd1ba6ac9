// Runs the addons' tests where memory errors are detected, on a copy of dist/ in which both addons are built
// differently:
//
//   node scripts/sanitize.mjs asan       AddressSanitizer, UndefinedBehaviorSanitizer and the leak checker:
//                                        the pool's conformance suite, both addons' own tests, a longer fuzz
//   node scripts/sanitize.mjs valgrind   a short fuzz under valgrind (slow: minutes)
//
// Without an argument it runs both. Node itself is not sanitized and leaks at its exit by design, so leaks
// and valgrind's findings count only if one of our frames is in them. Needs g++ with its sanitizers, and
// valgrind.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ADDONS, buildAddon } from "./build-native.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [pool] = ADDONS;
/** Matches blocks of a report that name our libraries or their code. */
const OURS = /(pool|load)\.node|encke::/;

const KINDS = { asan: runAddressSanitizer, valgrind: runValgrind };
const wanted = process.argv.slice(2);
for (const kind of wanted.length > 0 ? wanted : Object.keys(KINDS)) {
  if (!(kind in KINDS)) fail(`${kind} is not one of ${Object.keys(KINDS).join(", ")}`);
  KINDS[kind]();
}

function runAddressSanitizer() {
  // `undefined` does not include numbers that do not fit the type of a cast
  const checks = "address,undefined,float-cast-overflow";
  const flags = `-fsanitize=${checks} -fno-sanitize-recover=undefined,float-cast-overflow -fno-omit-frame-pointer -g`;
  const { dist, logs } = prepare("asan", { CXXFLAGS: flags, LDFLAGS: "-fsanitize=address,undefined" });
  const libraries = ["libasan.so", "libubsan.so"].map((name) => {
    const { stdout } = spawnSync("g++", [`-print-file-name=${name}`], { encoding: "utf8" });
    return stdout.trim();
  });
  const env = {
    LD_PRELOAD: libraries.join(" "),
    ASAN_OPTIONS: `detect_leaks=1:exitcode=99:log_path=${join(logs, "report")}`,
    LSAN_OPTIONS: "exitcode=0", // the report's contents decide
    UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(logs, "report")}`,
  };
  const tests = [
    ...["native-pool", "addon", "robustness"].map((name) => `edge/pool/native/${name}.test.js`),
    ...["edge/pool/user-table.test.js", "load/flood/native-readers.test.js", "load/flood/readers.test.js"],
  ];
  runNode(["--test", "--test-reporter=dot", ...tests.map((name) => join(dist, name))], env);
  runNode(["-e", fuzzProgram(dist, 5, 1_000)], env);
  const errors = readReports(logs).flatMap(
    (text) => text.match(/ERROR: AddressSanitizer[\s\S]*|runtime error:.*/g) ?? [],
  );
  const leaks = readReports(logs).flatMap((text) =>
    text.split("\n\n").filter((block) => /leak of/.test(block)),
  );
  judge("asan", [...errors, ...leaks.filter((block) => OURS.test(block))]);
}

function runValgrind() {
  const { dist, logs } = prepare("valgrind", { CXXFLAGS: "-g" });
  const options = [
    "--smc-check=all-non-file",
    "--leak-check=full",
    "--num-callers=24",
    `--log-file=${join(logs, "report")}`,
  ];
  const { status } = spawnSync(
    "valgrind",
    [...options, process.execPath, "--jitless", "-e", fuzzProgram(dist, 1, 60)],
    { cwd: root, stdio: "inherit" },
  );
  if (status !== 0) fail(`the fuzz under valgrind ended with ${status}: see ${logs}`);
  const blocks = readReports(logs).flatMap((text) => text.split(/^==\d+== $/m));
  judge(
    "valgrind",
    blocks.filter((block) => OURS.test(block) && !/still reachable/.test(block)),
  );
}

/** Copies dist/ with differently built addons, and creates a folder for reports. */
function prepare(kind, env) {
  const folder = join(root, ".cache", "native", kind);
  const [dist, logs] = [join(folder, "dist"), join(folder, "reports")];
  rmSync(dist, { recursive: true, force: true });
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  cpSync(join(root, "dist"), dist, { recursive: true });
  for (const addon of ADDONS) {
    const output = join(folder, `${addon.target}.node`);
    const problem = buildAddon(addon, { env, output });
    if (problem !== undefined) fail(`${kind}: ${problem}`);
    cpSync(output, join(dist, addon.folder, `${addon.target}.node`));
  }
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  return { dist, logs };
}

function fuzzProgram(dist, seeds, frames) {
  const file = join(dist, pool.folder, "conformance-fuzz.js");
  return `import(${JSON.stringify(file)}).then(async ({ fuzzFrames }) => {
    for (let seed = 1; seed <= ${seeds}; seed += 1) await fuzzFrames({ seed, frames: ${frames} });
  }).catch((error) => { console.error(error); process.exit(1); })`;
}

function runNode(args, env) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) fail(`node ${args.join(" ").slice(0, 200)} ended with ${status}`);
}

function readReports(logs) {
  return readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"));
}

function judge(kind, findings) {
  if (findings.length > 0) fail(`${kind}: ${findings.length} findings\n${findings.join("\n\n")}`);
  process.stdout.write(`${kind}: nothing found\n`);
}

function fail(text) {
  process.stderr.write(`encke: ${text}\n`);
  process.exit(1);
}
