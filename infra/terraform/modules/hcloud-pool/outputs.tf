output "addresses" {
  description = "Address at which SSH reaches each machine: its public IPv4 address, or the private one if it has none."
  value       = { for name, server in hcloud_server.this : name => var.hosts[name].has_a_public ? server.ipv4_address : var.hosts[name].private }
}

output "public" {
  description = "Public addresses of each machine, for DNS."
  value       = { for name, server in hcloud_server.this : name => { v4 = server.ipv4_address, v6 = server.ipv6_address } }
}

output "ids" {
  description = "IDs of the machines."
  value       = { for name, server in hcloud_server.this : name => server.id }
}
