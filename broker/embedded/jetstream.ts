// Replies of the embedded broker to requests of JetStream's API: JetStream's error "not enabled" in the form
// that nats-server uses, so that clients report it and stay connected. Pure.

const API = "$JS.API.";
/**
 * Replies to these are messages, not JSON: without JetStream, nats-server has no responder for them either.
 */
const MESSAGE_REQUESTS = /^(?:CONSUMER\.MSG\.NEXT|DIRECT\.GET)\./;
/** nats-server's JSNotEnabledErr (server/errors.json). */
const ERROR = { code: 503, err_code: 10_076, description: "JetStream not enabled" };

/**
 * Types of reply that are not spelled like the request, by the beginning of the request
 * (server/jetstream_api.go).
 */
const KINDS: readonly (readonly [request: string, kind: string])[] = [
  ["INFO", "account_info"],
  ["STREAM.MSG.DELETE.", "stream_msg_delete"],
  ["STREAM.MSG.GET.", "stream_msg_get"],
  ["STREAM.PEER.REMOVE.", "stream_remove_peer"],
  ["STREAM.LEADER.STEPDOWN.", "stream_leader_stepdown"],
  ["CONSUMER.DURABLE.CREATE.", "consumer_create"],
  ["CONSUMER.LEADER.STEPDOWN.", "consumer_leader_stepdown"],
  ["META.LEADER.STEPDOWN", "meta_leader_stepdown"],
];
const LIKE_ITS_REQUEST =
  /^(STREAM|CONSUMER)\.(CREATE|UPDATE|DELETE|PURGE|SNAPSHOT|RESTORE|NAMES|LIST|INFO|PAUSE|UNPIN)(?:\.|$)/;

/** Returns the reply to a request of JetStream's API, as JSON; undefined for any other subject. */
export function jetStreamRefusal(subject: string): string | undefined {
  if (!subject.startsWith(API)) return undefined;
  const request = subject.slice(API.length);
  if (MESSAGE_REQUESTS.test(request)) return undefined;
  return JSON.stringify({ type: `io.nats.jetstream.api.v1.${kindOf(request)}_response`, error: ERROR });
}

function kindOf(request: string): string {
  const known = KINDS.find(([begins]) => request.startsWith(begins))?.[1];
  if (known !== undefined) return known;
  const [, what, verb] = LIKE_ITS_REQUEST.exec(request) ?? [];
  return what === undefined ? "system" : `${what}_${verb}`.toLowerCase();
}
