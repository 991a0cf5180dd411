# Stands in for ghcr.io/ggml-org/llama.cpp:server-*: Debian's llama-server under the same path, port and health check.
FROM debian:forky-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends llama.cpp curl \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir /app \
    && ln -s "$(command -v llama-server)" /app/llama-server
ENV LLAMA_ARG_HOST=0.0.0.0 LLAMA_ARG_PORT=8080
WORKDIR /app
HEALTHCHECK CMD [ "curl", "-f", "http://localhost:8080/health" ]
ENTRYPOINT [ "/app/llama-server" ]
