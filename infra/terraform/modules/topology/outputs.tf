output "name" {
  description = "Name of the deployment."
  value       = local.topology.name
}

output "domain" {
  description = "Domain of the site."
  value       = local.topology.domain
}

output "network" {
  description = "Addresses of the private network."
  value       = local.topology.network

  precondition {
    condition     = can(cidrhost(local.topology.network, 0))
    error_message = "The `network` of the topology must be a CIDR such as 10.20.0.0/24."
  }
}

output "hosts" {
  description = "Every host: its roles, private address, size and Proxmox node."
  value       = local.hosts

  precondition {
    condition     = length(distinct([for host in local.hosts : host.private])) == length(local.hosts)
    error_message = "Two hosts have the same private address."
  }
}

output "by_role" {
  description = "Names of the hosts of each role."
  value       = local.by_role

  precondition {
    condition     = length(local.by_role.gateway) > 0
    error_message = "The topology has no gateway."
  }

  precondition {
    condition     = contains([1, 3, 5], length(local.by_role.nats))
    error_message = "A NATS cluster has 1, 3 or 5 nodes."
  }

  precondition {
    condition = (
      length(local.divided) == 0 ? values(local.shares) == [null]
      : length(local.divided) == length(local.shares) && length(local.counts) == 1
    )
    error_message = "Either one graph host owns the whole graph, or each graph host names its partitions of the same number, such as 0-7/16."
  }

  precondition {
    condition     = join(",", local.owned) == join(",", [for partition in range(local.partitions) : format("%03d", partition)])
    error_message = "Each partition of the graph must belong to exactly one host."
  }
}
