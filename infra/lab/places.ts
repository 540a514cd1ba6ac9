// The paths of the lab: what is kept (the Debian tree, its packages), and what `down` removes.

import { join } from "node:path";
import { cacheDir, projectRoot } from "../../lib/project.ts";

const cache: string = join(cacheDir, "lab");

/** Kept: a minimal Debian 12 with systemd, SSH and Python, and the packages that the roles add. */
export const tree: string = join(cache, "debian");
export const packages: string = join(cache, "packages.tar");

/** The lock: a machine runs one lab at a time. It contains the path of the checkout that owns the lab. */
export const lock = "/run/encke-lab";
export const lockOwner: string = join(lock, "checkout");
/** Sockets of the connections that SSH keeps open. The path of a socket may have at most 107 characters. */
export const sshSockets: string = join(lock, "ssh");

/** The root of each host, console logs, the SSH key. Removed by `down`. */
export const runFolder: string = join(cache, "run");
export const sshKey: string = join(runFolder, "id");

/** What the operator follows, and the checkout, home and state of the shell in which. Removed by `down`. */
export const guideFile: string = join(projectRoot, "docs", "deploy.md");
export const guideFolder: string = join(projectRoot, "infra", "guide");
export const checkout: string = join(runFolder, "checkout");
export const home: string = join(runFolder, "home");
export const shellFile: string = join(runFolder, "shell");
export const vaultPassword: string = join(home, ".encke-vault-password");

/** The deployment of the lab, made as docs/deploy.md describes. */
export const state: string = join(checkout, "infra", "state", "lab");
export const program: string = join(checkout, "dist", "infra", "main.js");
export const encke: string = join(checkout, "dist", "cli", "main.js");

export const topologyFile: string = join(projectRoot, "infra", "topology", "lab.json");
export const hostScript: string = join(projectRoot, "infra", "lab", "host.sh");
export const groupVars: string = join(projectRoot, "infra", "lab", "group_vars.yml");
