#!/usr/bin/env bash
# The tests of the stack in containers, on any Linux machine: run.sh [pytest arguments]
# Uses the Docker engine that answers; where none does, root gets one of this run's own, ended with it. Where no registry
# can be reached, standins.sh makes the images that the compose files name.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/stack
mine=/var/lib/athena-test-docker
pids=()

# What was started here, the last first: the engine ends when nothing needs it any more.
finish() {
    local at
    for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
        kill "${pids[at]}" 2>/dev/null || true
        wait "${pids[at]}" 2>/dev/null || true
    done
}
trap finish EXIT

fail() {
    echo "test-stack: $1" >&2
    exit 1
}

engine() {
    docker info >/dev/null 2>&1 && return
    [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root can start one"
    if ! command -v dockerd >/dev/null; then
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends docker.io iptables debootstrap >/dev/null
    fi
    export DOCKER_HOST=unix:///run/athena-test-docker.sock
    # A stack has three networks, and what other engines left on this machine may hold all of the default ranges.
    dockerd --bip 10.111.0.1/24 --default-address-pool base=10.112.0.0/12,size=24 \
        --data-root "$mine" --exec-root /run/athena-test-docker --pidfile /run/athena-test-docker.pid \
        --host "$DOCKER_HOST" >/var/log/athena-test-docker.log 2>&1 &
    pids+=("$!")
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && break
        sleep 0.5
    done
    docker info >/dev/null 2>&1 || fail "dockerd doesn't start: $(tail -1 /var/log/athena-test-docker.log)"
    # What a run that was ended in the middle left: the engine is this one's own, so all of it may go but the images.
    docker ps --all --quiet | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network prune --force >/dev/null
    docker volume ls --quiet | xargs --no-run-if-empty docker volume rm --force >/dev/null
}

# Compose v2 out of Debian's package, where the distribution's own Docker comes without it.
compose() {
    docker compose version >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || fail "the Compose plugin is missing"
    local work=$mine-plugins mirror
    # This Debian's own, which its keyring goes with.
    # shellcheck disable=SC2016 # a field of apt's
    mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n 1p)}
    mkdir -p "$work/lists/partial" "$work/archives/partial" ~/.docker/cli-plugins
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$work/sources.list"
    local options=(-qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$work" && apt-get "${options[@]}" download docker-compose docker-buildx && for each in *.deb; do dpkg-deb -x "$each" .; done)
    cp "$work"/usr/libexec/docker/cli-plugins/* ~/.docker/cli-plugins/
    docker compose version >/dev/null || fail "the Compose plugin doesn't run"
}

# A CPU build of torch that lies on this machine is served to the build, which sees no files of the host's.
torch_index() {
    local wheel address
    wheel=$(find "${PIP_FIND_LINKS:-/nonexistent}" -name 'torch-*+cpu-cp311-*.whl' 2>/dev/null | head -1)
    [ -n "$wheel" ] || return 0
    address=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
    mkdir -p "$mine-index/torch"
    ln -sf "$wheel" "$mine-index/torch/"
    python3 -m http.server --directory "$mine-index" --bind "$address" 8899 >/dev/null 2>&1 &
    pids+=("$!")
    export TORCH_INDEX_URL="http://$address:8899/" PIP_TRUSTED_HOST="$address"
}

engine
compose
(cd docker && docker compose -f docker-compose.yml -f compose.scale.yml pull --quiet --ignore-buildable) >/dev/null 2>&1 ||
    "$here/standins.sh"
torch_index
(cd docker && docker compose build --quiet athena compressor)
PYTHONPATH=services/athena .venv/bin/python -m pytest "$here" --timeout 1200 "$@"
