variable "topology" {
  description = "Path of the topology, infra/topology/*.json."
  type        = string
}

variable "endpoint" {
  description = "Where Proxmox answers, such as https://metal.encke.example:8006/."
  type        = string

  validation {
    condition     = startswith(var.endpoint, "https://")
    error_message = "Expected an https address."
  }
}

variable "gateway" {
  description = "The private network's way out."
  type        = string
}

variable "bridge" {
  description = "Bridge on the metal that carries the network."
  type        = string
  default     = "vmbr0"
}

variable "vlan" {
  description = "VLAN tag of the network, 2 to 4094; null puts machines on the bridge as it is."
  type        = number
  default     = null
}

variable "operators" {
  description = "Networks that may reach SSH, such as 192.0.2.0/24."
  type        = list(string)
}

variable "template_id" {
  description = "Id of the Debian 12 template."
  type        = number
}

variable "template_node" {
  description = "Metal that holds it, and hosts that name none in the topology."
  type        = string
}

variable "disk" {
  description = "The one disk: where the template has it (scsi0), the datastore for it and cloud-init's (local-lvm), its size in gigabytes (40)."
  type        = object({ interface = optional(string), datastore = optional(string), gb = optional(number) })
  default     = {}
}

variable "ssh_keys" {
  description = "Public SSH keys, for Ansible. Machines get them when they are made."
  type        = list(string)
}

variable "protect" {
  description = "Whether Proxmox refuses to remove graph hosts. Set it to false in an apply of its own before one shall go."
  type        = bool
  default     = true
}
