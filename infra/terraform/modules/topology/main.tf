# Reads the topology file for Terraform and checks it. It needs no provider, so its tests run anywhere.
# infra/topology/topology.ts checks the same file for everything else.

locals {
  topology = jsondecode(file(var.file))
  hosts = {
    for name, host in local.topology.hosts : name => {
      roles        = host.roles
      private      = host.private
      size         = local.topology.sizes[host.size]
      node         = lookup(host, "node", null)
      is_gateway   = contains(host.roles, "gateway")
      has_a_public = contains(host.roles, "gateway") || var.all_public
    }
  }
  # Graph hosts that own partitions; null means the whole graph.
  shares = {
    for name, host in local.topology.hosts : name => lookup(host, "partitions", null)
    if contains(host.roles, "graph") && lookup(host, "partitions", "") != "none"
  }
  share_form = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*/[0-9]+$"
  divided    = [for share in values(local.shares) : share if share != null && can(regex(local.share_form, share))]
  counts     = distinct([for share in local.divided : tonumber(split("/", share)[1])])
  partitions = try(local.counts[0], 0)
  # Padded to equal length, so that sorting the texts sorts the numbers.
  owned = sort(flatten([
    for share in local.divided : [
      for part in split(",", split("/", share)[0]) : [
        for partition in range(tonumber(split("-", part)[0]), tonumber(reverse(split("-", part))[0]) + 1) :
        format("%03d", partition)
      ]
    ]
  ]))
  by_role = {
    for role in ["gateway", "nats", "graph", "observe"] :
    role => sort([for name, host in local.hosts : name if contains(host.roles, role)])
  }
}
