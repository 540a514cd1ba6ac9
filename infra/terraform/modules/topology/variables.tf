variable "file" {
  description = "Path of the topology file, infra/topology/*.json."
  type        = string

  validation {
    condition     = fileexists(var.file)
    error_message = "The topology file does not exist."
  }

  validation {
    condition     = can(jsondecode(file(var.file)).hosts)
    error_message = "The file is not a topology: it must be JSON with `hosts`."
  }
}

variable "all_public" {
  description = "Whether hosts other than gateways also get public addresses, for SSH and for the Debian archive."
  type        = bool
  default     = true
}
