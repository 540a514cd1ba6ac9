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

variable "template_id" {
  description = "Id of the Debian 12 template."
  type        = number
}

variable "template_node" {
  description = "Metal that holds it, and hosts that name none in the topology."
  type        = string
}

variable "ssh_keys" {
  description = "Public SSH keys, for Ansible."
  type        = list(string)
}
