output "id" {
  description = "ID of the network, available once machines can join it."
  value       = hcloud_network_subnet.this.network_id
}
