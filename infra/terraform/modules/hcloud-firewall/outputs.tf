output "gateway_ids" {
  description = "Firewalls of a gateway."
  value       = [hcloud_firewall.gateway.id, hcloud_firewall.operators.id]
}

output "inner_ids" {
  description = "Firewalls of every other host."
  value       = [hcloud_firewall.operators.id]
}
