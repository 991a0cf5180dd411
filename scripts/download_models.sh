#!/bin/sh
# Download the default models (nomic-embed-text-v1.5, Qwen3-VL-4B) into a folder: download_models.sh [path]
# Interrupted downloads go on where they stopped. HF_ENDPOINT names a mirror, HF_TOKEN opens gated models.
set -eu

case "${1-}" in
-*)
    echo "usage: $0 [path]" >&2
    exit 2
    ;;
esac
if [ $# -gt 1 ]; then
    echo "usage: $0 [path]" >&2
    exit 2
fi

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

if [ -x "$root/.venv/bin/athena" ]; then
    athena="$root/.venv/bin/athena"
elif command -v athena >/dev/null 2>&1; then
    athena=athena
else
    echo "athena is not installed: run 'make install' in $root" >&2
    exit 1
fi

if [ $# -gt 0 ]; then
    exec "$athena" pull --defaults --path "$1"
fi
exec "$athena" pull --defaults
