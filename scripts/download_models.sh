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

folder=${1:-"${ATHENA_HOME:-$HOME/.athena}/models"}
"$athena" pull --defaults --path "$folder"

# The containers take their models from where these are now, unless they were told of another place.
settings="$root/docker/.env"
if [ -d "$root/docker" ] && ! grep -q '^ATHENA_MODELS_DIR=' "$settings" 2>/dev/null; then
    folder=$(CDPATH='' cd -- "$folder" && pwd)
    echo "ATHENA_MODELS_DIR=$folder" >>"$settings"
    echo "docker compose will take them from there (ATHENA_MODELS_DIR in docker/.env)"
fi
