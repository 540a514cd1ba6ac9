variable "deployment" {
  description = "Name of the deployment, as a tag."
  type        = string
}

variable "hosts" {
  description = "Hosts of the topology module."
  type = map(object({
    roles      = list(string)
    private    = string
    is_gateway = bool
    node       = optional(string)
    size       = object({ cores = number, memoryGb = number })
  }))
}

variable "network" {
  description = "The private network."
  type        = string

  validation {
    condition     = can(cidrhost(var.network, 0))
    error_message = "Expected a network such as 10.20.0.0/24."
  }
}

variable "gateway" {
  description = "The network's way out."
  type        = string

  validation {
    condition     = can(cidrhost("${var.gateway}/32", 0))
    error_message = "Expected an address such as 10.20.0.1."
  }
}

variable "bridge" {
  description = "Bridge on the metal that carries the network."
  type        = string
}

variable "template_id" {
  description = "Id of the Debian 12 template."
  type        = number

  validation {
    condition     = var.template_id >= 100
    error_message = "Proxmox' ids begin at 100."
  }
}

variable "template_node" {
  description = "Metal that holds the template, and hosts that name none in the topology."
  type        = string
}

variable "disk" {
  description = "The one disk: where the template has it, the datastore that it and cloud-init's go to, and its size, not below the template's."
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
    error_message = "Without an SSH key Ansible cannot reach the machines."
  }
}

variable "protect" {
  description = "Whether Proxmox refuses to remove graph hosts."
  type        = bool
  default     = true
}
