# Makes the machines, the network, the firewall and the DNS records.
terraform -chdir=infra/terraform/environments/hetzner apply -var topology=../../../topology/$DEPLOYMENT.json \
  -var 'ssh_keys=["operator"]' -var 'operators=["192.0.2.0/24"]' -var dns_zone=encke.example
