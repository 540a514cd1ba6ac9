# Prints a token with which user 7 signs in to the page.
node dist/cli/main.js token --sub 7
