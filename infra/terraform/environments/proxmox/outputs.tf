output "addresses" {
  description = "Where SSH finds each host; `infra inventory --outputs` reads it."
  value       = module.pool.addresses
}
