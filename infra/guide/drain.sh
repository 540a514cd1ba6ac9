# Takes a gateway out of service for good.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/drain.yml --limit gw-3
