output "bridge" {
  description = "Bridge to connect machines to, available once it exists."
  value       = var.vlan == null ? var.bridge : local.id
  depends_on  = [proxmox_sdn_applier.made]
}
