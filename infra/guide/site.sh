# Brings every host to the state that the files describe; a host without a release gets this one.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/site.yml -e encke_release=$RELEASE
