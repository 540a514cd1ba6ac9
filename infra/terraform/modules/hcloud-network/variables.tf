variable "name" {
  description = "Name of the network."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network; Hetzner requires /24 or larger."
  type        = string

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "Expected a network of at least 256 addresses, written with its first address, such as 10.20.0.0/24."
  }
}

variable "location" {
  description = "Location of its machines."
  type        = string

  validation {
    condition     = contains(["fsn1", "nbg1", "hel1", "ash", "hil", "sin"], var.location)
    error_message = "Expected fsn1, nbg1, hel1, ash, hil or sin. For a newer location, add its network zone to this module."
  }
}
