// Schemas for the values of settings. Their messages state what is expected. They accept text (from flags and
// the environment) and JSON (from the file).

import { isIP, isIPv6 } from "node:net";
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

/** A TCP port; 0 requests any free one. */
export const port: z.ZodType<number> = integer(0, 65_535);

const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})$/;

/** An address to listen on (an IPv6 address may be in brackets), or a host name; without a port. */
export const host: z.ZodType<string> = z
  .string({ error: "expected text" })
  .transform((given) => {
    const inner = /^\[(.*)\]$/.exec(given)?.[1] ?? "";
    return isIPv6(inner) ? inner : given;
  })
  .refine((given) => isIP(given) !== 0 || HOST_NAME.test(given), {
    error: "expected an address such as 127.0.0.1 or ::1, or a host name, without a port",
  });

/** A switch: `true`, `false`, `1` or `0`. */
export const flag: z.ZodType<boolean> = z.union(
  [z.boolean(), z.enum(["true", "1", "false", "0"]).transform((text) => text === "true" || text === "1")],
  { error: "expected true or false" },
);

/** Text that is not empty. */
export const text: z.ZodType<string> = z
  .string({ error: "expected text" })
  .min(1, { error: "expected text" });

/** One of several words. `aliases` are further spellings, which messages do not mention. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  words: Words,
  aliases: Readonly<Record<string, Words[number]>> = {},
): z.ZodType<Words[number]> {
  const canonical = (given: unknown): unknown =>
    typeof given === "string" && Object.hasOwn(aliases, given) ? aliases[given] : given;
  return z.preprocess(canonical, z.enum(words, { error: `expected one of ${words.join(", ")}` }));
}

/** A list: `a,b,c`, or an array in the file. */
export const list: z.ZodType<readonly string[]> = z.union(
  [z.array(z.string()), z.string().transform((given) => given.split(",").map((item) => item.trim()))],
  { error: "expected a list separated by commas" },
);

/** The longest time that Node's timers support, in whole days; with a longer one they would fire at once. */
const MAX_TIMER_MS = 24 * 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in milliseconds, written as `500ms`, `30s`, `5m`, `1h` or `7d`. */
export const durationMs: z.ZodType<number> = z
  .string({ error: "expected a duration such as 30s or 1h" })
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, { error: "expected a duration such as 30s or 1h" })
  .transform((given) => Number.parseInt(given, 10) * (UNIT_MS[given.replace(/^\d+/, "")] ?? 1));

/** A duration that a timer waits. */
export const waitMs: z.ZodType<number> = durationMs.refine((ms) => ms <= MAX_TIMER_MS, {
  error: "expected at most 24d",
});

const UNIT_BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** An amount of memory or disk, `64MiB` or `4GiB`, in bytes. */
export const byteSize: z.ZodType<number> = z
  .string({ error: "expected a size such as 512MiB or 4GiB" })
  .regex(/^\d{1,6}(KiB|MiB|GiB|TiB)$/, { error: "expected a size such as 512MiB or 4GiB" })
  .transform((given) => Number.parseInt(given, 10) * (UNIT_BYTES[given.replace(/^\d+/, "")] ?? 1));
