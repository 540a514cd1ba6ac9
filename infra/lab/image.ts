// Makes the Debian tree that all hosts of the lab share, and fetches the packages that the roles add to it.
// Both are kept in the cache of the project.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fetchPackages } from "../packages/fetch.ts";
import { run } from "../run.ts";
import { packages, tree } from "./places.ts";

/** What the Debian image of a cloud contains, as far as our roles and SSH need it. */
const INCLUDED =
  "ca-certificates,dbus,iproute2,kmod,netbase,openssh-server,procps,python3,python3-apt,systemd,systemd-sysv,udev";
const BUILD_MS = 600_000;

/** @throws InfraError TOOL_FAILED if mmdebstrap or apt fails */
export async function makeImage(print: (line: string) => void, signal?: AbortSignal): Promise<void> {
  if (!existsSync(tree)) {
    print("making the Debian tree of the lab, which is then kept …");
    mkdirSync(dirname(tree), { recursive: true });
    const part = `${tree}.part`;
    rmSync(part, { recursive: true, force: true });
    const options = ["--variant=minbase", `--include=${INCLUDED}`, "--aptopt=APT::Install-Recommends false"];
    await run("mmdebstrap", [...options, "bookworm", part], { timeoutMs: BUILD_MS, signal });
    renameSync(part, tree);
  }
  if (!existsSync(packages)) {
    print("fetching the packages of the roles, which are then kept …");
    await fetchPackages(packages, join(tree, "var", "lib", "dpkg", "status"));
  }
}
