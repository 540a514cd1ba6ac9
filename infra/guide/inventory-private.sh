# Writes the inventory for Ansible, with the private addresses of the topology.
node dist/infra/main.js inventory infra/topology/$DEPLOYMENT.json
