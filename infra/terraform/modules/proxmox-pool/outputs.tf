output "addresses" {
  description = "Where SSH finds each machine."
  value       = { for name, machine in proxmox_virtual_environment_vm.this : name => var.hosts[machine.name].private }
}
