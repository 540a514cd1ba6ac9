// Where docs/deploy.md says what is done on day two: the commands that infra/lab/day-two.ts follows.

import type { Place } from "./guide.ts";

type PlaceName =
  | "inventory"
  | "secrets"
  | "addGateway"
  | "drain"
  | "replaceNats"
  | "repartition"
  | "renew"
  | "siteRenewed";

export const DAY_TWO_PLACES: Readonly<Record<PlaceName, Place>> = {
  inventory: ["Change the topology", " inventory "],
  secrets: ["Change the topology", " secrets "],
  addGateway: ["Add a gateway", "/site.yml "],
  drain: ["Remove a gateway", "/drain.yml "],
  replaceNats: ["Replace a NATS node", "/site.yml "],
  repartition: ["Divide the graph, or move it", "/repartition.yml"],
  renew: ["Rotate keys", " --renew "],
  siteRenewed: ["Rotate keys", "/site.yml "],
};

export const DAY_TWO_TITLES: readonly string[] = [
  ...new Set(Object.values(DAY_TWO_PLACES).map(([title]) => title)),
];
