output "name" {
  description = "Name of the deployment."
  value       = local.topology.name
}

output "domain" {
  description = "What readers' browsers are told."
  value       = local.topology.domain
}

output "network" {
  description = "The private network."
  value       = local.topology.network

  precondition {
    condition     = can(cidrhost(local.topology.network, 0))
    error_message = "The topology's network is no CIDR."
  }
}

output "hosts" {
  description = "Every host: roles, private address, size, metal."
  value       = local.hosts

  precondition {
    condition     = length(distinct([for host in local.hosts : host.private])) == length(local.hosts)
    error_message = "Two hosts have one private address."
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
    error_message = "One host owns the whole graph, or each graph host its partitions of one count, as 0-7/16."
  }

  precondition {
    condition     = join(",", local.owned) == join(",", [for partition in range(local.partitions) : format("%03d", partition)])
    error_message = "Each partition of the graph is one host's."
  }
}
