// The public list of this folder's connected part: the NATS client, its headers, and the choice of a broker.
// What needs no connection is in contract.ts.

export { BrokerClient } from "./client.ts";
export type { ConnectOptions } from "./dial.ts";
export {
  decodeHole,
  decodeReplayPage,
  decodeWithdrawal,
  encodeHole,
  encodeReplayPage,
  encodeWithdrawal,
  type ReplayPage,
  type Withdrawal,
} from "./edge-notices.ts";
export { EmbeddedBroker } from "./embedded/broker.ts";
export {
  AGAIN_HEADER,
  againHeaders,
  COUNT_HEADER,
  EVENT_HEADER,
  eventHeaders,
  MARKER_HEADER,
  MESSAGE_ID_HEADER,
  markerHeaders,
  messageIdHeaders,
  ORIGINAL_ID_HEADER,
} from "./headers.ts";
export type { JetStream, StreamState } from "./jetstream/jetstream.ts";
export { differencesOf, type StreamConfig } from "./jetstream/stream-config.ts";
export type { StreamMessage } from "./jetstream/stream-message.ts";
export { StreamReader } from "./jetstream/stream-reader.ts";
export {
  encodeMarker,
  encodeMarkRequest,
  MAX_MARKS,
  type Marker,
  type MarkRequest,
  parseMarker,
  parseMarkRequest,
} from "./mark-request.ts";
export { type Msg, replyOf, serviceErrorOf } from "./message.ts";
export { registerClientMetrics } from "./metrics.ts";
export { chooseNats, chooseNatsToAsk } from "./nats-choice.ts";
export { DEFAULT_NATS_URL, describeServers, type NatsConfig } from "./nats-config.ts";
export { natsSettings } from "./nats-settings.ts";
export { publishOnce, textOf, withClient } from "./one-shot.ts";
export {
  BEAT_MS,
  DELTA_HEAD_BYTES,
  type EdgeOrder,
  type EdgePosition,
  EXPIRY_MS,
  encodeOrder,
  encodePresence,
  FANOUT_MODES,
  type FanoutMode,
  joinBytes,
  LEAVE_BYTES,
  MAX_DELTA,
  type Owner,
  otherVersion,
  PRESENCE_VERSION,
  type PresenceMessage,
  parseOrder,
  parsePresence,
  parseTallyPart,
  type SentPosition,
  type TallyPart,
  type UnknownVersion,
} from "./presence.ts";
export type { Published, PublishOptions } from "./publishing.ts";
export {
  encodeReplayRequest,
  MAX_REPLAYS,
  parseReplayRequest,
  type ReplayItem,
  type ReplayRequest,
} from "./replay-request.ts";
export { replyError } from "./reply-error.ts";
export { findNatsServer, findNatsServers, type NatsServerChoice } from "./server/find-nats-server.ts";
export { jetStreamSettings } from "./server/jetstream-settings.ts";
export { NatsServer } from "./server/nats-server.ts";
export { isAtLeast, isVersion, versionOfNatsServer } from "./server/nats-server-version.ts";
export { type BrokerKind, brokerKind, type OpenedBroker, openBroker } from "./server/open.ts";
export type { Endpoint, Served } from "./service.ts";
export { streamOf } from "./stream-ack.ts";
export type { Subscribed } from "./subscriptions.ts";
export { Throttle } from "./throttle.ts";
