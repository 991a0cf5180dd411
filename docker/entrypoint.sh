#!/bin/sh
# Run a command with the provider keys that `secrets.sh set` keeps: they are in no compose file and in no `inspect`.
set -eu

for file in /run/athena/keys/*; do
    [ -r "$file" ] || continue
    name=${file##*/}
    export "$name=$(cat "$file")"
done
exec "$@"
