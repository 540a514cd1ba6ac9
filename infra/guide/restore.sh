# Replaces the graph by the backup that BACKUP names.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/restore.yml -e restore_from=$PWD/$BACKUP
