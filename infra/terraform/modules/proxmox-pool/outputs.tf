output "addresses" {
  description = "Address at which SSH reaches each machine."
  value       = { for name, machine in proxmox_virtual_environment_vm.this : name => var.hosts[machine.name].private }
}

output "machines" {
  description = "What the firewall module needs of each machine."
  value = {
    for name, machine in proxmox_virtual_environment_vm.this : name => {
      node       = machine.node_name
      vm_id      = machine.vm_id
      is_gateway = var.hosts[name].is_gateway
    }
  }
}
