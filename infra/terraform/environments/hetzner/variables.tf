variable "topology" {
  description = "Path of the topology, infra/topology/*.json."
  type        = string
}

variable "ssh_keys" {
  description = "Names of SSH keys in the project, for Ansible. Machines get them when they are made."
  type        = list(string)
}

variable "operators" {
  description = "Networks that may reach SSH, such as 192.0.2.0/24."
  type        = list(string)
}

variable "dns_zone" {
  description = "DNS zone in the project that the topology's domain lies in."
  type        = string
}

variable "location" {
  description = "Where new machines stand: fsn1, nbg1, hel1, ash, hil or sin."
  type        = string
  default     = "fsn1"
}

variable "entry" {
  description = "How readers find gateways: dns or l4."
  type        = string
  default     = "dns"
}

variable "leaving" {
  description = "Gateways that readers shall no longer find, because they are about to be removed or repaired."
  type        = set(string)
  default     = []
}

variable "all_public" {
  description = "Whether hosts that are no gateways get public addresses too; without, SSH and Debian's archive need a way through the private network."
  type        = bool
  default     = true
}

variable "protect" {
  description = "Whether Hetzner refuses to delete graph hosts. Set it to false in an apply of its own before one shall go."
  type        = bool
  default     = true
}
