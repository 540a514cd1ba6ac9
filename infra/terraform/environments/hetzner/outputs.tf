output "addresses" {
  description = "Where SSH finds each host; `infra inventory --outputs` reads it."
  value       = module.pool.addresses
}

output "found" {
  description = "What readers find: names of gateways, or the balancer."
  value       = module.entry.found

  precondition {
    condition     = length(setsubtract(var.leaving, module.topology.by_role.gateway)) == 0
    error_message = "A host in `leaving` is no gateway of the topology: ${join(", ", setsubtract(var.leaving, module.topology.by_role.gateway))}."
  }
}

output "balancer" {
  description = "The balancer's address; null where DNS is the entry."
  value       = module.entry.balancer
}
