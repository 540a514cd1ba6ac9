// Runs the long fuzz of packed frames on the built code: node scripts/fuzz.mjs [SECONDS] [FIRST_SEED]. Each
// seed is 1,000 whole and 1,000 damaged frames. Stops at the first difference and prints its seed.

import { fuzzFrames } from "../dist/edge/pool/native/conformance-fuzz.js";

const [seconds = 60, firstSeed = 1] = process.argv.slice(2).map(Number);
const until = performance.now() + seconds * 1000;
let seed = firstSeed;
for (; performance.now() < until; seed += 1) {
  try {
    await fuzzFrames({ seed, frames: 1_000 });
  } catch (error) {
    process.stderr.write(`seed ${seed}: ${error.stack}\n`);
    process.exit(1);
  }
}
process.stdout.write(`${seed - firstSeed} seeds, ${(seed - firstSeed) * 2_000} frames, no difference\n`);
