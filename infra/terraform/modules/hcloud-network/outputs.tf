output "id" {
  description = "The network, once machines can be put into it."
  value       = hcloud_network_subnet.this.network_id
}
