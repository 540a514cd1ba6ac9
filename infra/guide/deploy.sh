# Brings a release to every host while streams are open.
ansible-playbook -i infra/state/$DEPLOYMENT/inventory.json infra/ansible/deploy.yml -e encke_release=$RELEASE
