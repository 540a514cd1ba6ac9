// Query parameters that may stand in a request once.

import type { Context } from "hono";
import { EdgeError } from "../errors.ts";

/** The value of a parameter; undefined where it is absent. @throws EdgeError BAD_QUERY where it is given twice */
export function queryOf(c: Context, name: string): string | undefined {
  const values = c.req.queries(name) ?? [];
  if (values.length <= 1) return values[0];
  throw new EdgeError("BAD_QUERY", `${name}= is given ${values.length} times: give it once`);
}
