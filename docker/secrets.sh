#!/bin/sh
# What nobody may see lies in the volume /run/athena: secrets.sh init | set NAME | unset NAME
#   postgres_password, pgpass   made at the first start; PostgreSQL reads one, Athena the other
#   keys/NAME                   the key of a provider, from standard input: set ANTHROPIC_API_KEY < file
set -eu

folder=/run/athena
umask 077

# Complete or not at all: whoever reads never sees half a file.
put() { cat >"$folder/.$$" && chmod "$2" "$folder/.$$" && mv "$folder/.$$" "$folder/$1"; }

case ${1-} in
init)
    if [ ! -s "$folder/postgres_password" ]; then
        head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' | put postgres_password 0440
    fi
    printf '*:*:*:athena:%s\n' "$(cat "$folder/postgres_password")" | put pgpass 0600
    chmod 0750 "$folder"
    ;;
set | unset)
    case ${2-} in
    '' | *[!A-Z0-9_]*)
        echo "secrets.sh: name the variable of a key, such as ANTHROPIC_API_KEY" >&2
        exit 2
        ;;
    esac
    mkdir -p "$folder/keys"
    if [ "$1" = unset ]; then
        rm -f "$folder/keys/$2"
    else
        tr -d '\r\n' | put "keys/.new" 0600
        [ -s "$folder/keys/.new" ] || {
            rm -f "$folder/keys/.new"
            echo "secrets.sh: nothing came on standard input" >&2
            exit 1
        }
        mv "$folder/keys/.new" "$folder/keys/$2"
    fi
    echo "done; now: docker compose restart athena" >&2
    ;;
*)
    echo "usage: secrets.sh init | set NAME | unset NAME" >&2
    exit 2
    ;;
esac
