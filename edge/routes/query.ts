// Query parameters that may appear only once.

import type { Context } from "hono";
import { EdgeError } from "../errors.ts";

/**
 * Returns the value of a parameter; undefined if it is absent. @throws EdgeError BAD_QUERY if it appears
 * twice
 */
export function queryOf(c: Context, name: string): string | undefined {
  const values = c.req.queries(name) ?? [];
  if (values.length <= 1) return values[0];
  throw new EdgeError("BAD_QUERY", `${name}= is given ${values.length} times: give it once`);
}
