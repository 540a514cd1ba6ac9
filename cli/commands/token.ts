// encke token: signs a user's token.

import { edgeSettings, signToken } from "../../edge/index.ts";
import { type Command, defineCommand } from "../../lib/command.ts";
import { CommandError } from "../../lib/command-error.ts";
import { pick } from "../../lib/settings.ts";
import { sub, ttl } from "../settings.ts";

export const token: Command = defineCommand({
  name: "token",
  summary: "sign a token that lets a user read their own stream",
  settings: { sub, ttl, ...pick(edgeSettings, "jwtKey") },
  async run(context, { sub, ttl, jwtKey }) {
    if (sub === undefined) throw new CommandError("USAGE", "no user for the token: use --sub USER");
    if (jwtKey === undefined)
      throw new CommandError(
        "USAGE",
        "no key for the token: set ENCKE_JWT_KEY to the edge's key, or use --jwt-key",
      );
    context.print(await signToken(jwtKey, sub, ttl));
  },
});
