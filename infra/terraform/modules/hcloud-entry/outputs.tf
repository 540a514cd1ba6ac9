output "balancer" {
  description = "The balancer's address; null where DNS is the entry."
  value       = one(hcloud_load_balancer.this[*].ipv4)
}
