output "addresses" {
  description = "Address at which SSH reaches each host; `encke-infra inventory --outputs` reads it."
  value       = module.pool.addresses
}

output "gateways" {
  description = "Address of each gateway, for your DNS or for the router in front of the cluster."
  value       = { for name in module.topology.by_role.gateway : name => module.pool.addresses[name] }
}
