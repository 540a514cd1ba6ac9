// The public API of load/, for tests and benches. Commands are mounted through commands/index.ts.

export { FloodFleet } from "./flood/flood-fleet.ts";
export type { Verdict } from "./flood/verifier.ts";
export { ChunkedReader, type ResponseHead } from "./http/chunked-reader.ts";
export { valueIn } from "./http/scrape.ts";
export { StreamClient } from "./http/stream-client.ts";
export { cpuSecondsOf, memoryOf, socketsOf } from "./processes.ts";
export { Services, type ServicesOptions } from "./services.ts";
