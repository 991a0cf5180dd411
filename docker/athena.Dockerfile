# Athena: the API, the worker and the command line. Built from the repository's root.
ARG BASE=debian:trixie-20261005-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/athena
ENV PATH=/opt/athena/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CERT=/etc/ssl/certs/ca-certificates.crt
ARG PIP_INDEX_URL=
ARG PIP_TRUSTED_HOST=
# What seldom changes first: this layer stays until the lock does.
COPY docker/athena.lock /src/docker/athena.lock
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: -r /src/docker/athena.lock
COPY models/manifest.toml /src/models/manifest.toml
COPY services/athena /src/services/athena
RUN pip install --no-index --no-deps --no-build-isolation /src/services/athena \
    && pip uninstall --yes hatchling editables pathspec pluggy trove-classifiers pip \
    && find /opt/athena -depth -type d \( -name tests -o -name test \) -exec rm -rf {} +

FROM ${BASE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 athena \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/athena --shell /usr/sbin/nologin athena \
    # A volume that is mounted here for the first time takes this owner.
    && install -d -o athena -g athena -m 0750 /var/lib/athena /run/athena \
    && install -d -o athena -g athena -m 0755 /models
COPY --from=build /opt/athena /opt/athena
COPY docker/health.py /opt/health.py
COPY --chmod=0755 docker/entrypoint.sh docker/secrets.sh /usr/local/bin/
ARG VERSION=local
LABEL org.opencontainers.image.title="athena" \
      org.opencontainers.image.description="Memory and gateway for agents on a machine of your own" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/opt/athena/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ATHENA_HOME=/var/lib/athena \
    ATHENA_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/athena
EXPOSE 8000
VOLUME /var/lib/athena
HEALTHCHECK --interval=5s --timeout=6s --start-period=1m CMD ["python", "-I", "/opt/health.py", "http://127.0.0.1:8000/health/ready"]
ENTRYPOINT ["entrypoint.sh"]
CMD ["python", "-m", "athena.server"]
