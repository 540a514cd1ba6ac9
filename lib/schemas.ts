// Schemas of the values that settings take, each with a message that says what would have been right. They read
// text (flags, environment) and JSON (the file) alike.

import { z } from "zod";

/** A whole number within bounds. */
export function integer(min: number, max: number): z.ZodType<number> {
  const message = `expected a whole number from ${min} to ${max}`;
  return z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,15}$/)
          .transform(Number),
      ],
      { error: message },
    )
    .refine((n) => Number.isInteger(n) && n >= min && n <= max, { error: message });
}

/** A TCP port; 0 asks for any free one. */
export const port: z.ZodType<number> = integer(0, 65_535);

/** A switch: `true`, `false`, `1` or `0`. */
export const flag: z.ZodType<boolean> = z.union(
  [z.boolean(), z.enum(["true", "1", "false", "0"]).transform((text) => text === "true" || text === "1")],
  { error: "expected true or false" },
);

/** Any text but none. */
export const text: z.ZodType<string> = z
  .string({ error: "expected text" })
  .min(1, { error: "expected text" });

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
): z.ZodType<Words[number]> {
  return z.enum(words, { error: `expected one of ${words.join(", ")}` });
}

/** A list: `a,b,c`, or an array in the file. */
export const list: z.ZodType<readonly string[]> = z.union(
  [z.array(z.string()), z.string().transform((given) => given.split(",").map((item) => item.trim()))],
  { error: "expected a list with commas" },
);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A span of time, `500ms`, `30s`, `5m`, `1h` or `7d`, in milliseconds. */
export const durationMs: z.ZodType<number> = z
  .string({ error: "expected a span of time such as 30s or 1h" })
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, { error: "expected a span of time such as 30s or 1h" })
  .transform((given) => Number.parseInt(given, 10) * (UNIT_MS[given.replace(/^\d+/, "")] ?? 1));
