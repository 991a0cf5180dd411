#!/bin/sh
# Resolve the dependencies anew, for every platform and Python from 3.11 on, with hashes.
set -eu

cd "$(dirname -- "$0")/.."
uv=.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || {
    echo "athena: uv is needed: .venv/bin/pip install uv" >&2
    exit 1
}

export UV_CUSTOM_COMPILE_COMMAND="make lock"
"$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --extra embedded --extra containers \
    -o requirements.lock requirements.in services/athena/pyproject.toml
# What the image has: the same versions, without what Docker brings as images of its own.
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraint requirements.lock \
    -o docker/athena.lock requirements.in services/athena/pyproject.toml
"$uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
    -o requirements-dev.lock requirements-dev.in
