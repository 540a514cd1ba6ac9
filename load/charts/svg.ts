// Sheets and text in SVG: placed, styled and escaped. Leaf code of the charts, which bound what is drawn.

/** The colour of text and of what matters. */
export const INK = "#1f2933";
/** Of what explains it. */
export const FAINT = "#5c6675";
export const GRID = "#e3e7eb";
/** Okabe and Ito's, without the yellow that white paper swallows. */
export const PALETTE: readonly string[] = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
];

export interface TextStyle {
  readonly fill?: string;
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: "middle" | "end";
  /** A white edge, so that it can be read on top of lines. */
  readonly halo?: boolean;
}

/** A text whose baseline begins, or as `anchor` says, at a point. */
export function text(x: number, y: number, content: string, style: TextStyle): string {
  const { fill = INK, size, weight, anchor, halo = false } = style;
  const attributes = [
    ["fill", fill],
    ["font-size", size],
    ["font-weight", weight],
    ["text-anchor", anchor],
    ...(halo
      ? [["stroke", "#ffffff"] as const, ["stroke-width", 4] as const, ["paint-order", "stroke"]]
      : []),
  ]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`);
  return `<text x="${Number(x.toFixed(1))}" y="${Number(y.toFixed(1))}"${attributes.join("")}>${escapeXml(content)}</text>`;
}

export interface Sheet {
  readonly title: string;
  /** One line each, under the title. */
  readonly notes: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Where the title and the notes begin. */
  readonly left: number;
  /** What is drawn below them, as SVG. */
  readonly content: readonly string[];
}

const TITLE_HEIGHT = 40;
const NOTE_HEIGHT = 19;

/** What a title and so many notes take at the top of a sheet. */
export function headHeight(notes: number): number {
  return TITLE_HEIGHT + notes * NOTE_HEIGHT;
}

/** A self-contained SVG document on a white ground. Title and notes are escaped. */
export function drawSheet({ title, notes, width, height, left, content }: Sheet): string {
  const noteTexts = notes.map((note, index) => text(left, headHeight(index) + 14, note, { fill: FAINT }));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Inter, system-ui, sans-serif" font-size="13">
<title>${escapeXml(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${text(left, 30, title, { size: 18, weight: 600 })}
${noteTexts.join("\n")}
${content.join("\n")}
</svg>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text for SVG: markup escaped, control characters (most of which XML forbids) left out. */
function escapeXml(content: string): string {
  return content.replace(/\p{Cc}/gu, "").replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? "");
}
