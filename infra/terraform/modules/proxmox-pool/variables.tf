variable "deployment" {
  description = "Name of the deployment, as a tag."
  type        = string
}

variable "hosts" {
  description = "Hosts of the topology module."
  type = map(object({
    private = string
    node    = optional(string)
    size    = object({ cores = number, memoryGb = number })
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
  description = "Metal that holds the template."
  type        = string
}

variable "default_node" {
  description = "Metal of hosts that name none in the topology."
  type        = string
}

variable "ssh_keys" {
  description = "Public SSH keys, for Ansible."
  type        = list(string)

  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Without an SSH key Ansible cannot reach the machines."
  }
}
