// The panel of one reader: whom the reader follows, and what arrives on the stream.

import { type EnckeStream, follow, type StreamEvent, type StreamState } from "/encke-client.js";
import { getNeighbours } from "./api.ts";
import { askAgain } from "./refusal.ts";

/** Older events are removed from the list, because the page is not an archive. */
const KEPT_EVENTS = 50;
const SHOWN_FOLLOWED = 12;

/** Reasons of a goodbye after which the next edge continues, and nothing is missed. */
const ROUTINE: readonly string[] = ["drain", "aged"];

const SHOWN_STATES: Readonly<Record<StreamState, string>> = {
  connecting: "connecting",
  open: "live",
  lost: "reconnecting",
  closed: "closed",
};

export interface PanelOptions {
  readonly user: string;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onPick: (author: string) => void;
  readonly onClose: () => void;
}

export class Panel {
  readonly element: HTMLElement;
  readonly #options: PanelOptions;
  readonly #events = make("ol", "events");
  readonly #state = make("span", "state");
  readonly #follows = make("div", "follows");
  readonly #stream: EnckeStream;
  readonly #closing = new AbortController();
  /** Notes shown since the stream was open: an edge that stays full repeats its refusal at each attempt. */
  readonly #noted = new Set<string>();

  constructor(options: PanelOptions) {
    this.#options = options;
    const { user } = options;
    const close = make("button", "close", "✕");
    close.type = "button";
    close.setAttribute("aria-label", `Close the stream of ${user}`);
    close.addEventListener("click", options.onClose);
    const title = make("h2", "", `User ${user} `);
    title.append(this.#state, close);
    this.#events.setAttribute("aria-live", "polite");
    this.element = make("article", "panel");
    this.element.dataset.user = user;
    this.element.append(title, this.#follows, this.#events);
    this.#stream = follow("/stream", { user, share: true });
    this.#listen();
    void this.#showFollowed();
  }

  close(): void {
    this.#closing.abort();
    this.#stream.close();
    this.element.remove();
  }

  #listen(): void {
    const stream = this.#stream;
    stream.addEventListener("event", ({ detail }) => this.#receive(detail));
    stream.addEventListener("resync", ({ detail: { since = "some time ago" } }) =>
      this.#note(`something may have been missed since ${since}`),
    );
    stream.addEventListener("goodbye", ({ detail: { reason } }) => {
      if (!ROUTINE.includes(reason)) this.#note(`the edge says goodbye (${reason})`);
    });
    stream.addEventListener("open", () => this.#noted.clear());
    stream.addEventListener("close", ({ detail }) => {
      if (detail !== null) this.#note(detail.message);
    });
    for (const type of ["open", "lost", "close"] as const)
      stream.addEventListener(type, () => this.#showState());
    this.#showState();
  }

  #showState(): void {
    const state = SHOWN_STATES[this.#stream.state];
    this.element.dataset.state = state;
    this.#state.textContent = state;
  }

  #note(text: string): void {
    if (this.#noted.has(text)) return;
    this.#noted.add(text);
    this.#prepend(make("li", "note", text));
  }

  #receive(event: StreamEvent): void {
    const line = make("li");
    const time = make("time", "", new Date(event.time).toLocaleTimeString());
    time.dateTime = event.time;
    const author = make("b", "", event.topic ?? "to you");
    line.append(time, author, ` ${textOf(event)}`);
    this.#prepend(line);
    this.#options.onEvent(event);
  }

  #prepend(line: HTMLElement): void {
    this.#events.prepend(line);
    while (this.#events.childElementCount > KEPT_EVENTS) this.#events.lastElementChild?.remove();
  }

  async #showFollowed(): Promise<void> {
    try {
      const ask = () => getNeighbours(this.#options.user);
      const { subscriptions } = await askAgain(ask, this.#closing.signal);
      if (subscriptions.length === 0) {
        this.#follows.textContent = "follows no one yet";
        return;
      }
      this.#follows.append("follows");
      for (const followed of subscriptions.slice(0, SHOWN_FOLLOWED)) {
        const chip = make("button", "chip", followed);
        chip.type = "button";
        chip.addEventListener("click", () => this.#options.onPick(followed));
        this.#follows.append(chip);
      }
      const more = subscriptions.length - SHOWN_FOLLOWED;
      if (more > 0) this.#follows.append(`and ${more} more`);
    } catch (error) {
      this.#follows.textContent = `whom they follow cannot be shown: ${(error as Error).message}`;
    }
  }
}

/** Returns the text of an event for display. */
function textOf({ data, data_base64 }: StreamEvent): string {
  if (data_base64 !== undefined) return `(${data_base64.length} characters of base64)`;
  return typeof data === "string" ? data : JSON.stringify(data);
}

function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  text = "",
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
