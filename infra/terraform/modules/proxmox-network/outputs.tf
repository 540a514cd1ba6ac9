output "bridge" {
  description = "What machines are put on, once it is there."
  value       = var.vlan == null ? var.bridge : local.id
  depends_on  = [proxmox_sdn_applier.made]
}
