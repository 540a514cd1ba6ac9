output "addresses" {
  description = "Address at which SSH reaches each host; `encke-infra inventory --outputs` reads it."
  value       = module.pool.addresses
}

output "found" {
  description = "What the DNS records point to: the gateways, by name, or the balancer."
  value       = module.entry.found

  precondition {
    condition     = length(setsubtract(var.leaving, module.topology.by_role.gateway)) == 0
    error_message = "`leaving` names hosts that are not gateways of the topology: ${join(", ", setsubtract(var.leaving, module.topology.by_role.gateway))}."
  }
}

output "balancer" {
  description = "Address of the balancer; null if the entry is dns."
  value       = module.entry.balancer
}
