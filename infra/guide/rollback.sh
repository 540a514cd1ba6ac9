# Goes back to the release that ran before.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/rollback.yml
