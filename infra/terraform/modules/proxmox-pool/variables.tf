variable "deployment" {
  description = "Name of the deployment, as a tag."
  type        = string
}

variable "hosts" {
  description = "Hosts, as the topology module returns them."
  type = map(object({
    roles      = list(string)
    private    = string
    is_gateway = bool
    node       = optional(string)
    size       = object({ cores = number, memoryGb = number })
  }))
}

variable "network" {
  description = "Addresses of the private network."
  type        = string

  validation {
    condition     = can(cidrhost(var.network, 0))
    error_message = "Expected a network such as 10.20.0.0/24."
  }
}

variable "gateway" {
  description = "Default gateway of the private network."
  type        = string

  validation {
    condition     = can(cidrhost("${var.gateway}/32", 0))
    error_message = "Expected an address such as 10.20.0.1."
  }
}

variable "bridge" {
  description = "Bridge to connect machines to."
  type        = string
}

variable "template_id" {
  description = "ID of the Debian 12 template."
  type        = number

  validation {
    condition     = var.template_id >= 100
    error_message = "IDs in Proxmox begin at 100."
  }
}

variable "template_node" {
  description = "Proxmox node that has the template; also the node of hosts for which the topology names none."
  type        = string
}

variable "disk" {
  description = "The only disk: its interface in the template, the datastore for it and for cloud-init, and its size in gigabytes, at least that of the template."
  type        = object({ interface = optional(string, "scsi0"), datastore = optional(string, "local-lvm"), gb = optional(number, 40) })
  default     = {}

  validation {
    condition     = can(regex("^(scsi|virtio|sata)[0-9]+$", var.disk.interface)) && var.disk.gb >= 8
    error_message = "Expected an interface such as scsi0 and at least 8 gigabytes."
  }
}

variable "ssh_keys" {
  description = "Public SSH keys, for Ansible."
  type        = list(string)

  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Name at least one SSH key; without one, Ansible cannot reach the machines."
  }
}

variable "protect" {
  description = "Whether Proxmox refuses to remove graph hosts."
  type        = bool
  default     = true
}
