variable "name" {
  description = "Name of the pool."
  type        = string
}

variable "deployment" {
  description = "Name of the deployment, as a label."
  type        = string
}

variable "hosts" {
  description = "Hosts of the topology module."
  type = map(object({
    private      = string
    has_a_public = bool
    size         = object({ hcloud = optional(string) })
  }))

  validation {
    condition     = alltrue([for host in var.hosts : host.size.hcloud != null])
    error_message = "A size lacks its machine type at Hetzner: add hcloud to it in the topology."
  }
}

variable "network_id" {
  description = "The private network."
  type        = number
}

variable "firewall_ids" {
  description = "Firewalls of each machine."
  type        = list(number)
}

variable "ssh_keys" {
  description = "Names of SSH keys in the project."
  type        = list(string)

  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Without an SSH key Ansible cannot reach the machines."
  }
}

variable "image" {
  description = "Image of new machines."
  type        = string
  default     = "debian-12"
}

variable "location" {
  description = "Where they stand."
  type        = string
}

variable "spread" {
  description = "Machines a placement group; Hetzner takes at most 10."
  type        = number
  default     = 10

  validation {
    condition     = var.spread >= 1 && var.spread <= 10
    error_message = "Expected 1 to 10."
  }
}
