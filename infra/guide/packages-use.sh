# Makes the downloaded packages the only source of the hosts.
echo 'base_packages_file: "{{ encke_state }}/packages.tar"' > infra/state/$DEPLOYMENT/group_vars/all/packages.yml
