// The public API of this folder, for the command line, the benchmarks and tests of several processes.

export { type GraphFacts, readGraphFacts } from "./about.ts";
export { type RestoreOptions, type RestoreReport, restoreBackup } from "./backup/restore.ts";
export { jetStreamLogs } from "./change-log/jetstream-log.ts";
export type { PartitionLog } from "./change-log/partition-log.ts";
export {
  type AuditPage,
  applyChanges,
  auditPages,
  type ChangeTally,
  type ChangeVerb,
  type ListQuery,
  type ListVerb,
  listPages,
} from "./client.ts";
export { GraphError, type GraphErrorCode } from "./errors.ts";
export { EXPORT_KINDS, type ExportKind, exportLines } from "./export/export.ts";
export { countFriendships, type GraphShape, generateFriendships, type Newcomer } from "./generate.ts";
export { GraphStore } from "./graph-store.ts";
export { CONFIRMED_FOR_MS, Confirmation } from "./leadership/confirmation.ts";
export { Leadership, type LeadershipRecord } from "./leadership/leadership.ts";
export { LEADER_BEAT_MS, Silence } from "./leadership/silence.ts";
export { type CountedFriends, type CountOptions, countFriends } from "./load/count-friends.ts";
export type { FollowSource } from "./load/follow-source.ts";
export { LOAD_KINDS, type LoadKind } from "./load/gather.ts";
export { type LoadOptions, type LoadReport, loadFollows } from "./load/load.ts";
export { Partitions } from "./partitions.ts";
export { Random } from "./random.ts";
export {
  DEFAULT_HISTORY_BOUNDS,
  DEFAULT_ROW_MEMORY_MB,
  GraphService,
  type GraphServiceOptions,
  type IntakeOptions,
} from "./service.ts";
export { historyBoundsOf, historySettings, intakeOf, intakeSettings } from "./settings.ts";
export { CHANGE_KINDS, type Change, type ChangeKind, type Outcome } from "./store/changes.ts";
