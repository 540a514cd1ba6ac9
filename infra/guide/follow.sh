# Lets user 7 follow topic 42.
node dist/cli/main.js graph add 7 42
