// Where the lab keeps things: what may stay (the Debian tree, its packages) and what goes with `down`.

import { join } from "node:path";
import { cacheDir, projectRoot } from "../../lib/project.ts";

const cache: string = join(cacheDir, "lab");

/** Made once, kept: a minimal Debian 12 with systemd, SSH and Python, and the packages that the roles add. */
export const tree: string = join(cache, "debian");
export const packages: string = join(cache, "packages.tar");

/** One lab at a time a machine: this folder is its lock, and says whose it is. */
export const lock = "/run/encke-lab";

/** Root of each host, console logs, the key for SSH. Removed by `down`. */
export const runFolder: string = join(cache, "run");
export const sshKey: string = join(runFolder, "id");

/** The lab's deployment, as docs/deploy.md makes any. Removed by `down`. */
export const state: string = join(projectRoot, "infra", "state", "lab");

export const topologyFile: string = join(projectRoot, "infra", "topology", "lab.json");
export const ansibleFolder: string = join(projectRoot, "infra", "ansible");
export const hostScript: string = join(projectRoot, "infra", "lab", "host.sh");
export const groupVars: string = join(projectRoot, "infra", "lab", "group_vars.yml");
export const program: string = join(projectRoot, "dist", "infra", "main.js");
export const encke: string = join(projectRoot, "dist", "cli", "main.js");
