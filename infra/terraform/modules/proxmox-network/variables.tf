variable "name" {
  description = "Name of the deployment, as shown in Proxmox."
  type        = string
}

variable "bridge" {
  description = "Bridge on each Proxmox node that carries the network."
  type        = string
}

variable "vlan" {
  description = "VLAN tag of the network, 2 to 4094; null connects machines to the bridge without a tag."
  type        = number
  default     = null

  validation {
    condition     = try(var.vlan == null || (var.vlan >= 2 && var.vlan <= 4094 && floor(var.vlan) == var.vlan), true)
    error_message = "Expected a VLAN tag from 2 to 4094, or null."
  }
}
