// The public list of this folder's pure part: the subject grammar, the event codec and stream positions. It
// uses web standards only. The edge's app imports this list and nothing else of the folder, so that it runs
// on any Hono runtime.

export {
  type Cursor,
  cursorOfEvent,
  type EventPosition,
  formatEventId,
  formatStamp,
  MAX_CURSOR_BYTES,
  MAX_CURSOR_PARTITIONS,
  parseCursor,
  parseEventId,
} from "./cursor.ts";
export { CursorClock } from "./cursor-clock.ts";
export { BrokerError, type BrokerErrorCode } from "./errors.ts";
export {
  checkPayload,
  type Event,
  EventEncoder,
  encodeEvent,
  looksEncoded,
  MAX_PAYLOAD_BYTES,
  parseEvent,
  textOf,
} from "./event.ts";
export { countFitting } from "./fitting.ts";
export {
  bodyOf,
  decodeHandles,
  encodeHandles,
  encodeMessage,
  FRAME_KIND,
  type FrameHead,
  type FrameKind,
  type FrameRecord,
  FrameWriter,
  FULL_FRAME_BYTES,
  maxRecipients,
  readFrame,
  readHead,
  recordsOf,
} from "./frame.ts";
export { type Hole, RESYNC_REASONS, type ResyncReason } from "./hole.ts";
export { checkEncoded, fitsMessage } from "./limits.ts";
export { checkMessageId } from "./message-id.ts";
export {
  isTopic,
  isUserId,
  ownerOf,
  parseTopic,
  parseUserId,
  storedTopic,
  storedUserId,
  type Topic,
  type UserId,
} from "./names.ts";
export { MAX_PARTITIONS, partitionMappings, partitionOf } from "./partition.ts";
export { type Position, Positions } from "./positions.ts";
export { formatShare, parseShare, type Share } from "./share.ts";
export {
  COPY_PREFIX,
  capturedSubjects,
  changesSubject,
  copySubject,
  EDGE_STATUS,
  EVERY_EDGE,
  EVERY_PRESENCE,
  edgeSubject,
  eventSubject,
  everyEvent,
  everyUserMessage,
  GRAPH_VERBS,
  type GraphVerb,
  graphEndpoint,
  graphSubject,
  markSubject,
  nameOfGraph,
  PARTITION_VERBS,
  type PartitionVerb,
  parsePublishSubject,
  parseRowsSubject,
  partitionSubject,
  presenceSubject,
  replaySubject,
  rowsEndpoint,
  rowsSubject,
  streamMarkSubject,
  topicOfEvent,
  userOfSubject,
  userSubject,
} from "./subjects.ts";
