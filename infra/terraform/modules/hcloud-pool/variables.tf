variable "deployment" {
  description = "Name of the deployment: a label, and the prefix of the names of placement groups."
  type        = string
}

variable "hosts" {
  description = "Hosts, as the topology module returns them."
  type = map(object({
    roles        = list(string)
    private      = string
    is_gateway   = bool
    has_a_public = bool
    size         = object({ hcloud = optional(string) })
  }))

  validation {
    condition     = alltrue([for host in var.hosts : host.size.hcloud != null])
    error_message = "A size has no machine type for Hetzner: add `hcloud` to it in the topology."
  }
}

variable "network_id" {
  description = "ID of the private network."
  type        = number
}

variable "firewall_ids" {
  description = "IDs of the firewalls of a gateway, and of every other machine."
  type        = object({ gateway = list(number), inner = list(number) })
}

variable "ssh_keys" {
  description = "Names of SSH keys in the project."
  type        = list(string)

  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Name at least one SSH key; without one, Ansible cannot reach the machines."
  }
}

variable "image" {
  description = "Image of new machines."
  type        = string
  default     = "debian-12"
}

variable "location" {
  description = "Location of new machines."
  type        = string
}

variable "protect" {
  description = "Whether Hetzner refuses to delete graph hosts."
  type        = bool
  default     = true
}
