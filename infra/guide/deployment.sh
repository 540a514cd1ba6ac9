# Names the deployment and its first release, for all other commands. Needed in each new shell.
export DEPLOYMENT=small RELEASE=1
