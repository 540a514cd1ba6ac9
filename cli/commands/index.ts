// The commands of the product, in the order in which `encke --help` lists them.

import type { Command } from "../../lib/command.ts";
import { broker } from "./broker.ts";
import { doctor } from "./doctor.ts";
import { edge } from "./edge.ts";
import { graphAbout } from "./graph-about.ts";
import {
  graphBlocked,
  graphCount,
  graphMuted,
  graphMutual,
  graphSubscribers,
  graphSubscriptions,
} from "./graph-ask.ts";
import { graphAudit } from "./graph-audit.ts";
import { graphBackup, graphRestore } from "./graph-backup.ts";
import { graphAdd, graphBlock, graphMute, graphRemove, graphUnblock, graphUnmute } from "./graph-change.ts";
import { graphExport } from "./graph-export.ts";
import { graphGenerate } from "./graph-generate.ts";
import { graphLoad } from "./graph-load.ts";
import { graphServe } from "./graph-serve.ts";
import { pub } from "./pub.ts";
import { request } from "./request.ts";
import { token } from "./token.ts";
import { up } from "./up.ts";

export const groups: readonly { readonly name: string; readonly summary: string }[] = [
  { name: "graph", summary: "the friend graph: serve, generate, load, query, change" },
];

export const commands: readonly Command[] = [
  up,
  broker,
  edge,
  graphServe,
  graphGenerate,
  graphLoad,
  graphExport,
  graphAbout,
  graphBackup,
  graphRestore,
  graphSubscribers,
  graphSubscriptions,
  graphMutual,
  graphCount,
  graphAdd,
  graphRemove,
  graphMute,
  graphUnmute,
  graphMuted,
  graphBlock,
  graphUnblock,
  graphBlocked,
  graphAudit,
  pub,
  request,
  token,
  doctor,
];
