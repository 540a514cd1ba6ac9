// The friend graph around one author: the author as a star, and the followers in rings. When the author
// publishes, a spark runs along every ray, and a follower whose stream is open on this page lights up when
// the event arrives.

import { getNeighbours } from "./api.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Followers per ring, from the inside. The caption counts those that do not fit. */
const RINGS = [12, 20, 28];
/** Radius of the outermost ring, within the viewBox of index.html and with space for labels. */
const OUTERMOST = { x: 440, y: 205 };
/** Position of the innermost ring between center and outermost ring, by the number of rings. */
const INNERMOST = [0.8, 0.5, 0.42];
const SPARK_MS = 700;
const LIT_MS = 1_500;

interface Person {
  readonly group: SVGGElement;
  readonly x: number;
  readonly y: number;
}

export class Constellation {
  readonly #svg: SVGSVGElement;
  readonly #caption: HTMLElement;
  readonly #onPick: (user: string) => void;
  readonly #people = new Map<string, Person>();
  #watched: readonly string[] = [];
  #author = "";
  #drawing = 0;

  constructor(svg: SVGSVGElement, caption: HTMLElement, onPick: (user: string) => void) {
    this.#svg = svg;
    this.#caption = caption;
    this.#onPick = onPick;
  }

  /** Draws an author's followers, those that are watched on this page first. */
  async show(author: string): Promise<void> {
    if (author === this.#author) return;
    this.#author = author;
    this.#drawing += 1;
    const drawing = this.#drawing;
    try {
      const { subscribers, subscriberCount } = await getNeighbours(author);
      if (drawing !== this.#drawing) return; // another author was requested in the meantime
      this.#draw(author, subscribers);
      const hidden = subscriberCount - (this.#people.size - 1);
      const shown = hidden > 0 ? `, ${hidden} of them not drawn` : "";
      this.#caption.textContent = `${subscriberCount} follow ${author}${shown}. Pick one to watch them.`;
    } catch (error) {
      this.#author = "";
      this.#caption.textContent = `The graph cannot be shown: ${(error as Error).message}`;
    }
  }

  /** Marks the users whose streams are open on this page. */
  mark(watched: readonly string[]): void {
    this.#watched = watched;
    for (const [user, { group }] of this.#people) group.classList.toggle("watched", watched.includes(user));
  }

  /** Sends a spark to every follower, after the author has published. */
  async fanOut(author: string): Promise<void> {
    await this.show(author);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const [user, { x, y }] of this.#people) {
      if (user === author) continue;
      const spark = draw("circle", { r: 6, class: "spark" });
      this.#svg.append(spark);
      const flight = spark.animate(
        [{ transform: "translate(0, 0)" }, { transform: `translate(${x}px, ${y}px)` }],
        {
          duration: SPARK_MS,
          easing: "ease-out",
        },
      );
      flight.addEventListener("finish", () => spark.remove());
    }
  }

  /** Lights up a reader at whom an event has arrived. */
  light(user: string): void {
    const person = this.#people.get(user);
    if (person === undefined) return;
    person.group.classList.add("lit");
    setTimeout(() => person.group.classList.remove("lit"), LIT_MS);
  }

  #draw(author: string, subscribers: readonly string[]): void {
    this.#people.clear();
    const watchedFirst = [...subscribers].sort(
      (a, b) => Number(this.#watched.includes(b)) - Number(this.#watched.includes(a)),
    );
    const rays: SVGElement[] = [];
    const stars: SVGElement[] = [];
    let placed = 0;
    const rings = RINGS.findIndex(
      (_, ring) => RINGS.slice(0, ring + 1).reduce((sum, places) => sum + places, 0) >= subscribers.length,
    );
    const last = rings === -1 ? RINGS.length - 1 : rings;
    for (const [ring, places] of RINGS.entries()) {
      const here = watchedFirst.slice(placed, placed + places);
      placed += here.length;
      const inner = INNERMOST[last] ?? 1;
      const reach = last === 0 ? inner : inner + ((1 - inner) * ring) / last;
      for (const [index, user] of here.entries()) {
        const angle = (2 * Math.PI * index) / here.length - Math.PI / 2 + ring * 0.16;
        const x = Math.cos(angle) * OUTERMOST.x * reach;
        const y = Math.sin(angle) * OUTERMOST.y * reach;
        rays.push(draw("line", { x1: 0, y1: 0, x2: x, y2: y, class: "ray" }));
        stars.push(this.#place(user, x, y, 13, 33));
      }
    }
    const center = this.#place(author, 0, 0, 24, 50);
    center.classList.add("author");
    const title = draw("title", {});
    title.textContent = `${author} and ${placed} of their followers`;
    this.#svg.replaceChildren(title, ...rays, ...stars, center);
    this.mark(this.#watched);
  }

  #place(user: string, x: number, y: number, radius: number, labelAt: number): SVGGElement {
    const group = draw("g", {
      class: "person",
      transform: `translate(${x}, ${y})`,
      tabindex: 0,
      role: "button",
    });
    const label = draw("text", { class: "star-label", y: labelAt });
    label.textContent = user;
    group.setAttribute("aria-label", `Watch as user ${user}`);
    group.append(draw("circle", { r: radius, class: "star" }), label);
    group.addEventListener("click", () => this.#onPick(user));
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") this.#onPick(user);
    });
    this.#people.set(user, { group, x, y });
    return group;
  }
}

function draw<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
