# Publishes an event and prints how many users it reached.
node dist/cli/main.js request event.42 '{"text":"hello"}'
