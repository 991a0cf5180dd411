#!/usr/bin/env bash
# What the upstream image's entrypoint does of what a compose file can ask: initdb, role and database on a server that
# only a local socket reaches, then the real server. Variables and their _FILE forms have the upstream names.
set -eo pipefail

given() {
    local file="$1_FILE"
    if [ -n "${!file}" ]; then cat "${!file}"; else printf %s "${!1}"; fi
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi

if [ "$1" = postgres ]; then
    mkdir -p "$PGDATA"
    chmod 00700 "$PGDATA"
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        user=$(given POSTGRES_USER)
        user=${user:-postgres}
        database=$(given POSTGRES_DB)
        password=$(given POSTGRES_PASSWORD)
        if [ -z "$password" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
            echo "Error: Database is uninitialized and superuser password is not specified." >&2
            exit 1
        fi
        eval 'initdb --username="$user" --pwfile=<(printf "%s\n" "$password") '"$POSTGRES_INITDB_ARGS"
        printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
        pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
        if [ -n "$database" ] && [ "$database" != postgres ]; then
            psql -v ON_ERROR_STOP=1 --username "$user" --no-password --no-psqlrc --dbname postgres \
                --set db="$database" <<<'CREATE DATABASE :"db" ;'
        fi
        pg_ctl -D "$PGDATA" -m fast -w stop
        echo 'PostgreSQL init process complete; ready for start up.'
    fi
fi

exec "$@"
