output "addresses" {
  description = "Where SSH finds each host; `infra inventory --outputs` reads it."
  value       = module.pool.addresses
}

output "balancer" {
  description = "The balancer's address; null where DNS is the entry."
  value       = module.entry.balancer
}
