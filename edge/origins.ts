// Which other sites' pages may read here. Those that were named; and, while reading is anonymous, pages served from
// this very machine, such as the one that a developer is writing.

import type { EdgeServices } from "./services.ts";

const LOOPBACK = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/;

export function isAllowedOrigin(
  origin: string,
  { corsOrigins, auth }: Pick<EdgeServices, "corsOrigins" | "auth">,
): boolean {
  return (
    corsOrigins.includes("*") || corsOrigins.includes(origin) || (auth.anonymous && LOOPBACK.test(origin))
  );
}
