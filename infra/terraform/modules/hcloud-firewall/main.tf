# What may reach machines from outside: readers reach gateways, and operators reach SSH. Inside the private
# network, nftables filters (infra/ansible/roles/base).

resource "hcloud_firewall" "gateway" {
  name = "${var.name}-gateway"

  dynamic "rule" {
    for_each = ["80", "443"]

    content {
      direction   = "in"
      protocol    = "tcp"
      port        = rule.value
      source_ips  = ["0.0.0.0/0", "::/0"]
      description = "readers"
    }
  }
}

resource "hcloud_firewall" "operators" {
  name = "${var.name}-operators"

  rule {
    direction   = "in"
    protocol    = "tcp"
    port        = "22"
    source_ips  = var.operators
    description = "SSH"
  }

  rule {
    direction   = "in"
    protocol    = "icmp"
    source_ips  = ["0.0.0.0/0", "::/0"]
    description = "path MTU and ping"
  }
}
