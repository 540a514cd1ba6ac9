# Takes a backup of each graph host and fetches it to infra/state/NAME/backups.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/backup.yml
