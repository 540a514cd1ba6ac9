// Parses the Accept header as RFC 9110, section 12.5.1, defines it: a media type has the weight of the most
// specific range that matches it. Hono's `accepts` uses the range with the highest weight instead, and never
// matches `*/*`.

/** One element of the header, in lower case. */
interface Range {
  readonly types: string;
  /** Whether the range has parameters before the weight. */
  readonly narrowed: boolean;
  readonly weight: number;
}

/**
 * How well a type is accepted: its weight from 0 to 1, and the specificity of the range that determined it.
 */
interface Acceptance {
  readonly weight: number;
  /**
   * 0 if no range matches, 1 for any type, 2 for any subtype, 3 for the type, 4 for the type with parameters.
   */
  readonly specificity: number;
}

const NAMED = 3;
const UNMATCHED: Acceptance = { weight: 0, specificity: 0 };
/** Matches one element of a list; separators inside quoted strings do not count. */
const LIST = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const PARAMETERS = /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/g;

/**
 * Returns whether a request prefers `type` to `fallback`: it accepts `type` and gives it a higher weight, or
 * an equal weight by name or by a more specific range. Both types must be in lower case and without
 * parameters. The parameters of ranges are not compared.
 */
export function prefers(accept: string | undefined, type: string, fallback: string): boolean {
  if (accept === undefined) return false;
  const ranges = (accept.match(LIST) ?? []).map(parseRange);
  const [ours, other] = [acceptanceOf(ranges, type), acceptanceOf(ranges, fallback)];
  if (ours.weight !== other.weight) return ours.weight > other.weight;
  return ours.weight > 0 && (ours.specificity >= NAMED || ours.specificity > other.specificity);
}

function parseRange(element: string): Range {
  const [types = "", ...parameters] = (element.match(PARAMETERS) ?? [])
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "");
  const weightAt = parameters.findIndex((parameter) => /^q\s*=/.test(parameter));
  return {
    types,
    narrowed: parameters.length > 0 && weightAt !== 0,
    weight: weightAt === -1 ? 1 : weightOf(parameters[weightAt] ?? ""),
  };
}

function acceptanceOf(ranges: readonly Range[], type: string): Acceptance {
  let best = UNMATCHED;
  for (const range of ranges) {
    const specificity = specificityOf(range, type);
    const better = specificity - best.specificity || range.weight - best.weight;
    if (specificity > 0 && better > 0) best = { specificity, weight: range.weight };
  }
  return best;
}

function specificityOf({ types, narrowed }: Range, type: string): number {
  if (types === type) return narrowed ? NAMED + 1 : NAMED;
  if (types === `${type.split("/")[0]}/*`) return 2;
  return types === "*/*" ? 1 : 0;
}

/**
 * Parses a weight. A weight that is not a number from 0 to 1 counts as 1, because the client has named the
 * range.
 */
function weightOf(parameter: string): number {
  const [, given = ""] = /=\s*(\d*\.?\d*)$/.exec(parameter) ?? [];
  const weight = given === "" || given === "." ? 1 : Number(given);
  return Math.min(1, weight);
}
