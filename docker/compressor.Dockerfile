# The compressor: LLMLingua-2. Built from the repository's root. Python 3.11, for which there is a CPU build of torch.
ARG BASE=debian:bookworm-20261005-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/compressor
ENV PATH=/opt/compressor/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CERT=/etc/ssl/certs/ca-certificates.crt
ARG PIP_INDEX_URL=
ARG PIP_TRUSTED_HOST=
# The default index's build of torch carries CUDA, gigabytes of it.
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
ARG TORCH_VERSION=2.13.0+cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --index-url "$TORCH_INDEX_URL" "torch==$TORCH_VERSION"
COPY services/compressor/requirements.lock /src/services/compressor/requirements.lock
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes -r /src/services/compressor/requirements.lock
COPY services/compressor /src/services/compressor
# What compiles extensions and what tests is of no use to who only runs.
RUN pip install --no-index --no-deps --no-build-isolation /src/services/compressor \
    && pip uninstall --yes --quiet mypy mypy-extensions pytest pytest-asyncio ruff hatchling editables pip \
    && cd /opt/compressor/lib/python3.11/site-packages \
    && rm -rf torch/include torch/share torch/test torch/lib/*.a \
    && find . -depth -type d \( -name tests -o -name test -o -name __pycache__ \) -not -path './torch/*' -exec rm -rf {} +

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 athena \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin athena \
    && install -d -o athena -g athena -m 0755 /models
COPY --from=build /opt/compressor /opt/compressor
COPY docker/health.py /opt/health.py
COPY --chmod=0755 services/compressor/entrypoint.sh /usr/local/bin/entrypoint.sh
ARG VERSION=local
LABEL org.opencontainers.image.title="athena-compressor" \
      org.opencontainers.image.description="LLMLingua-2 as a service" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/opt/compressor/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    COMPRESSOR_HOST=0.0.0.0 \
    COMPRESSOR_EXPOSURE=container \
    COMPRESSOR_MODELS_DIR=/models
USER 10001:10001
WORKDIR /tmp
EXPOSE 8003
HEALTHCHECK --interval=5s --timeout=6s --start-period=2m CMD ["python", "-I", "/opt/health.py", "http://127.0.0.1:8003/health"]
ENTRYPOINT ["entrypoint.sh"]
CMD ["serve"]
