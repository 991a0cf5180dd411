#!/bin/sh
# The compressor in a container: entrypoint.sh serve | export MODEL
# While a model's export is missing the service waits for it, unhealthy, and says so; it starts when it is there.
set -eu

wanted=${COMPRESSOR_MODELS:-mbert:int8}

# Says which export is missing; fails when none is.
missing() {
    for each in $(echo "$wanted" | tr ',' ' '); do
        name=${each%%:*}
        if [ ! -e "/models/compressor/$name/card.json" ]; then
            echo "no LLMLingua-2 ($name) in the models volume: make compressor-model fetches and exports it; extraction compresses without it"
            return 0
        fi
    done
    return 1
}

case ${1-} in
serve)
    if why=$(missing); then
        echo "compressor: $why" >&2
        trap 'exit 0' TERM INT
        while why=$(missing); do
            echo "$why" >/tmp/waiting
            sleep 2 &
            wait $!
        done
        trap - TERM INT
        rm -f /tmp/waiting
    fi
    exec python -m compressor
    ;;
export)
    shift
    exec python -m compressor.export --models-dir /models "$@"
    ;;
*)
    exec "$@"
    ;;
esac
