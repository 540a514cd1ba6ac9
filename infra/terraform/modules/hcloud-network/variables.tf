variable "name" {
  description = "Name of the network."
  type        = string
}

variable "cidr" {
  description = "Its addresses, /24 or larger, as Hetzner wants it."
  type        = string

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "Expected a network of at least 256 addresses by its first one, such as 10.20.0.0/24."
  }
}

variable "location" {
  description = "Where its machines stand."
  type        = string

  validation {
    condition     = contains(["fsn1", "nbg1", "hel1", "ash", "hil", "sin"], var.location)
    error_message = "Expected fsn1, nbg1, hel1, ash, hil or sin; a newer place wants its network zone in this module."
  }
}
