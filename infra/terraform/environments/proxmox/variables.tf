variable "topology" {
  description = "Path of the topology file, infra/topology/*.json."
  type        = string
}

variable "endpoint" {
  description = "URL of the Proxmox API, such as https://proxmox.encke.example:8006/."
  type        = string

  validation {
    condition     = startswith(var.endpoint, "https://")
    error_message = "Expected a URL that begins with https://."
  }
}

variable "gateway" {
  description = "Default gateway of the private network."
  type        = string
}

variable "bridge" {
  description = "Bridge on each Proxmox node that carries the network."
  type        = string
  default     = "vmbr0"
}

variable "vlan" {
  description = "VLAN tag of the network, 2 to 4094; null connects machines to the bridge without a tag."
  type        = number
  default     = null
}

variable "operators" {
  description = "Networks that may reach SSH, such as 192.0.2.0/24."
  type        = list(string)
}

variable "template_id" {
  description = "ID of the Debian 12 template."
  type        = number
}

variable "template_node" {
  description = "Proxmox node that has the template; also the node of hosts for which the topology names none."
  type        = string
}

variable "disk" {
  description = "The only disk: its interface in the template (scsi0), the datastore for it and for cloud-init (local-lvm), and its size in gigabytes (40)."
  type        = object({ interface = optional(string), datastore = optional(string), gb = optional(number) })
  default     = {}
}

variable "ssh_keys" {
  description = "Public SSH keys, for Ansible. A machine gets them when it is created."
  type        = list(string)
}

variable "protect" {
  description = "Whether Proxmox refuses to remove graph hosts. Set it to false in a separate apply before you remove one."
  type        = bool
  default     = true
}
