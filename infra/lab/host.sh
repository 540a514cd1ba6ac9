#!/bin/sh
# One host of the lab: systemd as process 1 in a container, in cgroups and a network namespace of its own, booted again
# when it reboots, ended when its time is over. Started by infra/lab/hosts.ts, which ends it by its cgroups.
#
#   host.sh NAME ROOT CONSOLE SECONDS CGROUP…
set -eu
name=$1 root=$2 console=$3 seconds=$4
shift 4
for cgroup; do echo $$ > "$cgroup/cgroup.procs"; done
exec </dev/null >>"$console" 2>&1
end=$(($(date +%s) + seconds))
# nspawn wants it where it is not systemd's machine
mkdir -p /run/systemd/inaccessible
while left=$((end - $(date +%s))) && [ "$left" -gt 0 ]; do
  status=0
  # sysctl of its own network only; unit and machine are not registered: there is no systemd out here to do so
  SYSTEMD_NSPAWN_API_VFS_WRITABLE=network timeout --kill-after=10 "$left" \
    systemd-nspawn --quiet --directory="$root" --machine="$name" --boot --register=no --keep-unit --link-journal=no \
    --resolv-conf=off --console=pipe --capability=CAP_NET_ADMIN --network-namespace-path="/run/netns/encke-$name" ||
    status=$?
  # 133 is a reboot
  [ "$status" = 133 ] || exit "$status"
done
