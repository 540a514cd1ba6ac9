variable "name" {
  description = "Prefix of the firewalls' names."
  type        = string
}

variable "operators" {
  description = "Networks that may reach SSH."
  type        = list(string)

  validation {
    condition     = length(var.operators) > 0 && alltrue([for cidr in var.operators : can(cidrhost(cidr, 0))])
    error_message = "Name at least one network such as 192.0.2.0/24, or nobody could deploy."
  }
}
