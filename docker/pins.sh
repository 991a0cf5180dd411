#!/bin/sh
# Write anew into compose.pinned.yml what the tags of the other files name today; needs the registries: pins.sh
# Look at what changed (git diff) before you use it: a tag that names something else than before was moved.
set -eu
cd "$(dirname "$0")"

image() { sed -n "s|^ *image: \($1:[^ ]*\)$|\1|p" docker-compose.yml; }
base() { sed -n 's/^ARG BASE=//p' "$1.Dockerfile"; }

# With the digest behind the tag, of the list for all platforms.
by_content() {
    digest=$(docker buildx imagetools inspect "$1" | sed -n 's/^Digest: *//p' | head -1)
    case $digest in
    sha256:*) echo "$1@$digest" ;;
    *)
        echo "pins.sh: no digest of $1" >&2
        return 1
        ;;
    esac
}

postgres=$(by_content "$(image pgvector/pgvector)")
llama=$(by_content "$(image ghcr.io/ggml-org/llama.cpp)")
athena=$(by_content "$(base athena)")
compressor=$(by_content "$(base compressor)")
cat >compose.pinned.yml.new <<YAML
# The same images by content: what a tag names can change, what a digest names can't.
# docker compose -f docker-compose.yml -f compose.pinned.yml build
# docker compose -f docker-compose.yml -f compose.pinned.yml up -d
# Written by pins.sh (make pins) out of the tags in the other files.
services:
  postgres:
    image: $postgres

  llamacpp-embeddings: &llama
    image: $llama

  llamacpp-reasoning: *llama

  athena:
    build: {args: {BASE: "$athena"}}

  compressor:
    build: {args: {BASE: "$compressor"}}
YAML
mv compose.pinned.yml.new compose.pinned.yml
