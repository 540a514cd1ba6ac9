# Configures and starts a new NATS node, and checks the others.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml --limit nats
