#!/bin/sh
# Resolve the compressor's dependencies anew, for every platform and Python from 3.11 on, with hashes.
set -eu

cd "$(dirname -- "$0")"
uv=../../.venv/bin/uv
[ -x "$uv" ] || uv=$(command -v uv) || {
    echo "athena: uv is needed: .venv/bin/pip install uv" >&2
    exit 1
}

UV_CUSTOM_COMPILE_COMMAND="services/compressor/lock.sh" "$uv" pip compile --quiet --upgrade --universal \
    --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --override overrides.txt \
    --no-emit-package torch -o requirements.lock requirements.in pyproject.toml
