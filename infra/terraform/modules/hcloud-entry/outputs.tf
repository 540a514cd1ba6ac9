output "found" {
  description = "What readers find: names of gateways, or the balancer."
  value       = sort([for record in hcloud_zone_rrset.this["A"].records : record.comment])
}

output "balancer" {
  description = "The balancer's address; null where DNS is the entry."
  value       = one(hcloud_load_balancer.this[*].ipv4)
}
