# Makes the secrets of the deployment and encrypts them.
mkdir -p infra/state/$DEPLOYMENT/group_vars/all &&
  node dist/infra/main.js secrets infra/topology/$DEPLOYMENT.json > secrets.json &&
  ansible-vault encrypt --output infra/state/$DEPLOYMENT/group_vars/all/secrets.yml secrets.json && rm secrets.json
