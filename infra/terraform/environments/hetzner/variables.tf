variable "topology" {
  description = "Path of the topology, infra/topology/*.json."
  type        = string
}

variable "ssh_keys" {
  description = "Names of SSH keys in the project, for Ansible."
  type        = list(string)
}

variable "operators" {
  description = "Networks that may reach SSH, such as 192.0.2.0/24."
  type        = list(string)
}

variable "dns_zone" {
  description = "DNS zone at Hetzner that the topology's domain lies in."
  type        = string
}

variable "location" {
  description = "Where machines stand: fsn1, nbg1, hel1, …"
  type        = string
  default     = "fsn1"
}

variable "entry" {
  description = "How readers find gateways: dns or l4."
  type        = string
  default     = "dns"
}
