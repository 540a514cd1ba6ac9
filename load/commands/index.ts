// The commands of load/, in the order in which `encke --help` lists them.

import type { Command } from "../../lib/command.ts";
import { flood } from "./flood.ts";
import { graphCheck } from "./graph-check.ts";
import { memlog } from "./memlog.ts";
import { million } from "./million.ts";
import { msggen } from "./msggen.ts";
import { plot } from "./plot.ts";
import { soak } from "./soak.ts";

export const commands: readonly Command[] = [graphCheck, flood, msggen, million, memlog, plot, soak];
