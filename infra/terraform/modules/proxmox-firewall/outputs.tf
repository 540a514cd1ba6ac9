output "guarded" {
  description = "Names of the machines whose firewall is enabled."
  value       = sort(keys(proxmox_virtual_environment_firewall_options.this))
}
