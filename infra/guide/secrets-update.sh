# Keeps the secrets that exist, and adds those of new hosts.
node dist/infra/main.js secrets infra/topology/$DEPLOYMENT.json \
  --old infra/state/$DEPLOYMENT/group_vars/all/secrets.yml > secrets.json &&
  ansible-vault encrypt --output infra/state/$DEPLOYMENT/group_vars/all/secrets.yml secrets.json && rm secrets.json
