#!/bin/sh
# A llama-server in a container: entrypoint.sh embedding|reasoning. Settings are environment variables:
#   MODEL       file in /models                 POOLING     of an embedding model; empty: what the file says
#   CONTEXT     tokens of one input             SLOTS       inputs at a time
#   THREADS, THREADS_BATCH   empty: physical cores within the quota
#   GPU_LAYERS  empty: what llama-server finds  CACHE_TYPE  of the key-value cache of a reasoning model
# While the model file is missing the server waits for it, unhealthy, and says so; it starts when the file is there.
set -eu

role=$1
server=/app/llama-server
file=${MODEL:?names a file in /models}
model=/models/$file
waiting=/tmp/waiting

say() { echo "llama-$role: $1" >&2; }

# What it waits for lies in memory, where health.sh finds it.
wait_for_model() {
    why=$(missing) || return 0
    say "$why"
    trap 'exit 0' TERM INT
    while why=$(missing); do
        echo "$why" >"$waiting"
        sleep 2 &
        wait $!
    done
    trap - TERM INT
    rm -f "$waiting"
    say "$file is there"
}

# Says what is wrong with the model file; fails when nothing is.
missing() {
    if [ ! -e "$model" ]; then
        echo "no $file in the models volume: make models fetches it (or name a folder that has it, ATHENA_MODELS_DIR in docker/.env)"
    elif [ ! -r "$model" ]; then
        echo "$file can't be read by user $(id -u): chmod a+r it"
    elif [ "$(head -c 4 "$model")" != GGUF ]; then
        echo "$file is no GGUF file: remove it, then make models"
    else
        return 1
    fi
}

# llama-server looks neither at a container's quota nor at its affinity; more threads than cores make it slower.
cores() {
    usable=$(nproc)
    logical=$(grep -c '^processor' /proc/cpuinfo || true)
    physical=$(grep -E '^(physical id|core id)' /proc/cpuinfo | paste -d ' ' - - | sort -u | grep -c . || true)
    count=$usable
    if [ "$physical" -gt 0 ] && [ "$logical" -gt "$physical" ]; then
        count=$(((usable * physical + logical - 1) / logical))
    fi
    if [ -r /sys/fs/cgroup/cpu.max ]; then
        read -r quota period </sys/fs/cgroup/cpu.max
    else
        quota=$(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || echo max)
        period=$(cat /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || echo 100000)
    fi
    if [ "$quota" != max ] && [ "$quota" -gt 0 ] && [ $((quota / period)) -lt "$count" ]; then
        count=$((quota / period))
    fi
    [ "$count" -gt 0 ] || count=1
    echo "$count"
}

# Younger than some builds that are about: a server that doesn't list one is started without it.
understands() { printf '%s' "$listed" | grep -q -e "$1"; }

wait_for_model
listed=$("$server" --help 2>&1 || true)
threads=${THREADS:-$(cores)}

set -- --model "$model" --host 0.0.0.0 --port 8080 --metrics --threads "$threads" --threads-batch "${THREADS_BATCH:-$threads}"
[ -z "${GPU_LAYERS:-}" ] || set -- "$@" --n-gpu-layers "$GPU_LAYERS"
# Any web page may otherwise read what a server on loopback answers.
! understands --cors-origins || set -- "$@" --cors-origins localhost
! understands --no-slots || set -- "$@" --no-slots
case $role in
embedding)
    # An input must fit one physical batch, or it is refused with a 500.
    set -- "$@" --embeddings --parallel "$SLOTS" --ctx-size $((CONTEXT * SLOTS)) --batch-size "$CONTEXT" --ubatch-size "$CONTEXT"
    [ -z "${POOLING:-}" ] || set -- "$@" --pooling "$POOLING"
    ;;
reasoning)
    set -- "$@" --parallel "$SLOTS" --ctx-size $((CONTEXT * SLOTS)) --jinja --flash-attn auto
    [ -z "${CACHE_TYPE:-}" ] || set -- "$@" --cache-type-k "$CACHE_TYPE" --cache-type-v "$CACHE_TYPE"
    ! understands --cache-ram || set -- "$@" --cache-ram 256
    ;;
esac
say "starting with $threads threads"
# Idle threads that spin take the cores from everybody else.
export OMP_WAIT_POLICY=passive
exec "$server" "$@"
