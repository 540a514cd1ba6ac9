variable "name" {
  description = "Name of the deployment, to be seen in Proxmox."
  type        = string
}

variable "bridge" {
  description = "Bridge, on every metal, that carries the network."
  type        = string
}

variable "vlan" {
  description = "VLAN tag of the network, 2 to 4094; null puts machines on the bridge as it is."
  type        = number
  default     = null

  validation {
    condition     = try(var.vlan == null || (var.vlan >= 2 && var.vlan <= 4094 && floor(var.vlan) == var.vlan), true)
    error_message = "Expected a VLAN tag from 2 to 4094, or null."
  }
}
