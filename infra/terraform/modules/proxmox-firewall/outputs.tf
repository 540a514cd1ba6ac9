output "guarded" {
  description = "Names of the machines whose firewall is on."
  value       = sort(keys(proxmox_virtual_environment_firewall_options.this))
}
