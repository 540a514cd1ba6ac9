// The live page: streams side by side, the friend graph around the latest author, and an input to publish.
// The watched users are part of the address, so that a page can be shared and reloaded.

import { type StreamEvent, signIn } from "/encke-client.js";
import { getNeighbours, getSession, publish, type Session } from "./api.ts";
import { Constellation } from "./constellation.ts";
import { Panel } from "./panel.ts";
import { ApiError, askAgain } from "./refusal.ts";

/** Browsers open six connections per host; the remaining ones are for requests that are not streams. */
const MAX_PANELS = 4;
/** The user that a first visit shows: in the demo graph, it has some hundred followers. */
const FIRST_AUTHOR = "42";

/** Ids of events whose sparks were shown. */
const KEPT_IDS = 100;

const panels = new Map<string, Panel>();
const sparked = new Set<string>();
const constellation = new Constellation(
  byId("constellation", SVGSVGElement),
  byId("sky-caption", HTMLElement),
  (user) => watch(user),
);

byId("sign-in", HTMLFormElement).addEventListener("submit", (submit) => {
  submit.preventDefault();
  void tell("sign-in-result", async () => {
    await signIn("/", byId("token", HTMLInputElement).value.trim());
    location.reload();
    return "";
  });
});

byId("watch", HTMLFormElement).addEventListener("submit", (submit) => {
  submit.preventDefault();
  watch(byId("user", HTMLInputElement).value.trim());
});

byId("compose", HTMLFormElement).addEventListener("submit", (submit) => {
  submit.preventDefault();
  const author = byId("author", HTMLInputElement).value.trim();
  const message = byId("message", HTMLInputElement);
  void tell("compose-result", async () => {
    const { id, recipients, online, delivered } = await publish(author, message.value);
    message.value = "";
    await spark(id, author);
    return `${recipients} recipients, ${online} online, delivered to ${delivered} streams`;
  });
});

void start();

async function start(): Promise<void> {
  const result = byId("start-result", HTMLOutputElement);
  const onFailure = ({ message }: Error): void => {
    result.textContent = `Not connected yet: ${message}. Trying again.`;
  };
  try {
    showLive(await askAgain(getSession, new AbortController().signal, onFailure));
    result.textContent = "";
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    result.textContent = "";
    byId("sign-in", HTMLFormElement).hidden = false;
  }
}

function showLive({ user, anonymous, publish: mayPublish }: Session): void {
  byId("live", HTMLElement).hidden = false;
  byId("compose", HTMLFormElement).hidden = !mayPublish;
  byId("watch", HTMLFormElement).hidden = !anonymous;
  const author = user ?? FIRST_AUTHOR;
  pick(author);
  const asked = (new URLSearchParams(location.search).get("watch") ?? "").split(",").filter(Boolean);
  if (asked.length > 0) for (const name of asked.slice(0, MAX_PANELS)) watch(name);
  else if (user !== null) watch(user);
  else void watchSomebody(author);
}

/** Shows the author and one of their followers, if there are any, on a first visit. */
async function watchSomebody(author: string): Promise<void> {
  const { subscribers } = await getNeighbours(author).catch(() => ({ subscribers: [] as readonly string[] }));
  watch(author);
  const follower = subscribers.at(-1);
  if (follower !== undefined) watch(follower);
}

function watch(user: string): void {
  const result = byId("watch-result", HTMLOutputElement);
  result.className = "";
  result.textContent = "";
  if (panels.has(user)) return;
  if (panels.size >= MAX_PANELS) {
    result.className = "bad";
    result.textContent = `${MAX_PANELS} streams are open, as many as a browser lets one page hold: close one first`;
    return;
  }
  const panel = new Panel({
    user,
    onPick: pick,
    onEvent: (event) => void arrived(event, user),
    onClose: () => {
      panels.get(user)?.close();
      panels.delete(user);
      remember();
    },
  });
  panels.set(user, panel);
  byId("panels", HTMLElement).append(panel.element);
  byId("user", HTMLInputElement).value = "";
  remember();
}

/** Makes an author the center of the graph and the topic of the input. */
function pick(author: string): void {
  byId("author", HTMLInputElement).value = author;
  void constellation.show(author);
}

async function arrived({ id, topic }: StreamEvent, user: string): Promise<void> {
  if (topic !== undefined && !topic.includes(".")) await spark(id, topic);
  constellation.light(user);
}

/** Shows an event's sparks once: it may be our own, and it may arrive on several streams of this page. */
async function spark(id: string, author: string): Promise<void> {
  if (sparked.has(id)) return;
  sparked.add(id);
  const [oldest] = sparked;
  if (sparked.size > KEPT_IDS && oldest !== undefined) sparked.delete(oldest);
  await constellation.fanOut(author);
}

function remember(): void {
  const watched = [...panels.keys()];
  constellation.mark(watched);
  history.replaceState(
    null,
    "",
    watched.length === 0 ? "/" : `/?watch=${watched.map(encodeURIComponent).join(",")}`,
  );
}

/** Runs the action of a form and shows its outcome next to it. */
async function tell(id: string, act: () => Promise<string>): Promise<void> {
  const output = byId(id, HTMLOutputElement);
  output.className = "";
  try {
    output.textContent = await act();
  } catch (error) {
    output.className = "bad";
    output.textContent = (error as Error).message;
  }
}

function byId<Kind extends Element>(id: string, kind: abstract new (...args: never[]) => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no #${id}`);
}
