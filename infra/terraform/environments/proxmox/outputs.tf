output "addresses" {
  description = "Where SSH finds each host; `infra inventory --outputs` reads it."
  value       = module.pool.addresses
}

output "gateways" {
  description = "Where readers find each gateway: for DNS, or for what stands before the metal."
  value       = { for name in module.topology.by_role.gateway : name => module.pool.addresses[name] }
}
