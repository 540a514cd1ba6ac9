// Sheets and text in SVG: placed, styled and escaped. Used by the charts, which bound what is drawn.

/** Color of text and of emphasized parts. */
export const INK = "#1f2933";
/** Color of explanations. */
export const FAINT = "#5c6675";
export const GRID = "#e3e7eb";
/** The palette of Okabe and Ito, without its yellow, which is invisible on white. */
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
  /** Draws a white outline, so that the text is readable on top of lines. */
  readonly halo?: boolean;
}

/** Draws text whose baseline starts at a point, or is anchored there as `anchor` says. */
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
  /** Explanations below the title, one line each. */
  readonly notes: readonly string[];
  readonly width: number;
  readonly height: number;
  /** Left edge of the title and the notes. */
  readonly left: number;
  /** The content below them, as SVG. */
  readonly content: readonly string[];
}

const TITLE_HEIGHT = 40;
const NOTE_HEIGHT = 19;

/** Returns the height of a title and a number of notes. */
export function headHeight(notes: number): number {
  return TITLE_HEIGHT + notes * NOTE_HEIGHT;
}

/** Returns a self-contained SVG document on a white background. Title and notes are escaped. */
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

/** Escapes text for SVG. Control characters are removed, because XML forbids most of them. */
function escapeXml(content: string): string {
  return content.replace(/\p{Cc}/gu, "").replace(/[&<>"]/g, (mark) => ENTITIES[mark] ?? "");
}
