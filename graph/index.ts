// The public list of this room, for the command line.

export { GraphError, type GraphErrorCode } from "./errors.ts";
export { countFriendships, type GraphShape, generateFriendships, type Newcomer } from "./generate.ts";
export { LOAD_KINDS, type LoadKind, type LoadOptions, type LoadReport, loadEdges } from "./load/load.ts";
export { Partitions } from "./partitions.ts";
export { GraphService, type GraphServiceOptions } from "./service.ts";
export { GraphStore } from "./store/store.ts";
