#!/bin/sh
# Healthy when the model is loaded and answers; otherwise says what it waits for.
if [ -e /tmp/waiting ]; then
    cat /tmp/waiting
    exit 1
fi
exec curl --fail --silent --show-error --max-time 5 http://127.0.0.1:8080/health
