// encke token: sign a user's token.

import { signToken } from "../../edge/index.ts";
import { pick } from "../../lib/settings.ts";
import { type Command, defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { edgeSettings, ownSettings } from "../settings.ts";

export const token: Command = defineCommand({
  name: "token",
  summary: "sign a token with which a user may read their own stream",
  settings: { ...pick(ownSettings, "sub", "ttl"), ...pick(edgeSettings, "jwtKey") },
  async run(context, { sub, ttl, jwtKey }) {
    if (sub === undefined) throw new CliError("USAGE", "whose token? say --sub USER");
    if (jwtKey === undefined)
      throw new CliError("USAGE", "with which key? set ENCKE_JWT_KEY to the edge's, or say --jwt-key");
    context.print(await signToken(jwtKey, sub, ttl));
  },
});
