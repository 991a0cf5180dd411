#!/usr/bin/env bash
# Make the images that the compose files name, out of Debian packages, where no registry can be reached: standins.sh
# They carry the upstream names and have the same entrypoints, users, ports, variables and volume paths, so that the
# compose files run unchanged. Needs root, debootstrap and a Docker engine (DOCKER_HOST); MIRROR names a Debian mirror.
# What is there already is kept: remove an image to have it made anew.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mirror=${MIRROR:-$(sed -n 's/^DEF_MIRROR="\(.*\)"$/\1/p' "$(command -v debootstrap)")}
bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}

have() { docker image inspect "$1" >/dev/null 2>&1; }

# The images of a compose file that aren't built here, by the beginning of their names.
named() { grep -hoE "$1[A-Za-z0-9:._-]+" "$here/../../docker/docker-compose.yml" "$here/../../docker/compose.scale.yml" | sort -u; }

# What an image that is built here stands on.
ours() { sed -n 's/^ARG BASE=//p' "$here/../../docker/$1.Dockerfile"; }

# base TAG SUITE [SCRIPT]: a minimal Debian. Newer suites than the host's debootstrap knows are made by sid's script.
base() {
    have "$1" && return
    echo "making $1"
    local root
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates "$2" "$root" "$mirror" ${3+"/usr/share/debootstrap/scripts/$3"} >"$root.log" 2>&1 ||
        { tail -5 "$root.log" >&2; return 1; }
    # A machine behind a mirror may trust an authority that Debian doesn't know.
    cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"
    cat >"$root/etc/apt/apt.conf.d/10standin" <<'CONF'
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
    tar -C "$root" --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' -c . |
        docker import --change 'CMD ["bash"]' - "$1" >/dev/null
    rm -rf "$root" "$root.log"
}

# standin DOCKERFILE IMAGE...
standin() {
    local file=$1
    shift
    for image in "$@"; do
        have "$image" && continue
        echo "making $image"
        docker build --quiet --file "$here/standins/$file.Dockerfile" --tag "$image" "$here/standins" >/dev/null
    done
}

base "$(ours athena)" trixie
base "$(ours compressor)" bookworm
base debian:forky-slim forky sid
# shellcheck disable=SC2046 # image names have no spaces
standin postgres $(named pgvector/pgvector:)
# shellcheck disable=SC2046
standin llama $(named ghcr.io/ggml-org/llama.cpp:)
# shellcheck disable=SC2046
standin haproxy $(named haproxy:)
