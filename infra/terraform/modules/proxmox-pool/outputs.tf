output "addresses" {
  description = "Where SSH finds each machine."
  value       = { for name, machine in proxmox_virtual_environment_vm.this : name => var.hosts[machine.name].private }
}

output "machines" {
  description = "Each machine, for its firewall."
  value = {
    for name, machine in proxmox_virtual_environment_vm.this : name => {
      node       = machine.node_name
      vm_id      = machine.vm_id
      is_gateway = var.hosts[name].is_gateway
    }
  }
}
