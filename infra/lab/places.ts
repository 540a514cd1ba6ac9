// Where the lab keeps things: what may stay (the Debian tree, its packages) and what goes with `down`.

import { join } from "node:path";
import { cacheDir, projectRoot } from "../../lib/project.ts";

const cache: string = join(cacheDir, "lab");

/** Made once, kept: a minimal Debian 12 with systemd, SSH and Python, and the packages that the roles add. */
export const tree: string = join(cache, "debian");
export const packages: string = join(cache, "packages.tar");

/** One lab at a time a machine: this folder is its lock, and says whose it is. */
export const lock = "/run/encke-lab";
export const lockOwner: string = join(lock, "checkout");
/** Connections that SSH keeps open; here, because a socket's path may have 107 characters. */
export const sshSockets: string = join(lock, "ssh");

/** Root of each host, console logs, the key for SSH. Removed by `down`. */
export const runFolder: string = join(cache, "run");
export const sshKey: string = join(runFolder, "id");

/** What the operator follows, and where: a checkout of their own, a home, what their shell keeps. Removed by `down`. */
export const guideFile: string = join(projectRoot, "docs", "deploy.md");
export const guideFolder: string = join(projectRoot, "infra", "guide");
export const checkout: string = join(runFolder, "checkout");
export const home: string = join(runFolder, "home");
export const shellFile: string = join(runFolder, "shell");
export const vaultPassword: string = join(home, ".encke-vault-password");

/** The lab's deployment, as docs/deploy.md makes any. */
export const state: string = join(checkout, "infra", "state", "lab");
export const program: string = join(checkout, "dist", "infra", "main.js");
export const encke: string = join(checkout, "dist", "cli", "main.js");

export const topologyFile: string = join(projectRoot, "infra", "topology", "lab.json");
export const hostScript: string = join(projectRoot, "infra", "lab", "host.sh");
export const groupVars: string = join(projectRoot, "infra", "lab", "group_vars.yml");
