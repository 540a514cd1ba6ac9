output "found" {
  description = "What the DNS records point to: the gateways, by name, or the balancer."
  value       = sort([for record in hcloud_zone_rrset.this["A"].records : record.comment])
}

output "balancer" {
  description = "Address of the balancer; null if the entry is dns."
  value       = one(hcloud_load_balancer.this[*].ipv4)
}
