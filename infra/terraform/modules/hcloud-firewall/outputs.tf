output "gateway_ids" {
  description = "IDs of the firewalls of a gateway."
  value       = [hcloud_firewall.gateway.id, hcloud_firewall.operators.id]
}

output "inner_ids" {
  description = "IDs of the firewalls of every other host."
  value       = [hcloud_firewall.operators.id]
}
