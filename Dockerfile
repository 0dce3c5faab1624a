# syntax=docker/dockerfile:1
# One image for `surveyapp serve`, `surveyapp worker` and every other command; docs/running.md says
# how to use it. Debian's own Python, so that Debian's security updates cover it.
ARG DEBIAN=debian:13.8-slim

FROM ${DEBIAN} AS builder
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Building backends come from Debian, signed, and not by pip; pg_dump must be as new as the server.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc libc6-dev python3 python3-hatchling python3-pip python3-setuptools python3-venv \
        python3-wheel openssl postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*

# Debian 13 ships SQLite 3.46, which has the rare fault of the write-ahead log (3.7.0 to 3.51.2).
# Both digests are of the same file; https://sqlite.org/download.html publishes SHA3-256.
ARG SQLITE=sqlite-autoconf-3530400
ARG SQLITE_SHA256=0e9483900e92cd5de8fd48d16bf9200145a61f7fd5be542a5ac81d8a9516eb9c
ARG SQLITE_SHA3=454e45f61c6bd75b7420e7190732dea03ce6639c63ada47bbc592f67fc340338
ADD --checksum=sha256:${SQLITE_SHA256} https://sqlite.org/2026/${SQLITE}.tar.gz /sqlite/source.tar.gz
WORKDIR /sqlite
# What Debian builds it with, as far as Python and this program meet it; deleted rows are overwritten.
RUN openssl dgst -sha3-256 source.tar.gz | grep -q "${SQLITE_SHA3}" \
    && tar -xzf source.tar.gz --strip-components=1 --no-same-owner \
    && gcc -O2 -fPIC -shared -Wl,-soname,libsqlite3.so.0 \
        -DSQLITE_SECURE_DELETE -DSQLITE_THREADSAFE=1 -DSQLITE_ENABLE_COLUMN_METADATA \
        -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_DBSTAT_VTAB \
        -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_MAX_VARIABLE_NUMBER=250000 \
        -o libsqlite3.so.0 sqlite3.c -lm -lpthread -ldl

# The pinned libraries change seldom, the program often: each in a layer of its own.
WORKDIR /build
COPY requirements.txt ./
RUN python3 -m venv --system-site-packages tools \
    && tools/bin/pip wheel --no-cache-dir --no-build-isolation --require-hashes \
        --wheel-dir wheels -r requirements.txt
COPY pyproject.toml README.md ./
COPY instruments instruments
COPY templates templates
COPY surveyapp surveyapp
RUN tools/bin/pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir wheels . \
    && python3 -m venv --without-pip /opt/surveyapp \
    && tools/bin/pip --python /opt/surveyapp/bin/python install --no-cache-dir --no-index \
        --no-deps --compile wheels/*.whl \
    && mkdir /tools && cp /usr/lib/postgresql/17/bin/pg_dump /usr/lib/postgresql/17/bin/pg_restore /tools/

FROM ${DEBIAN}
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
        libpq5 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 surveyapp \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin surveyapp \
    && install -d -m 0700 -o 10001 -g 10001 /data /keys /ledger /backups
COPY --from=builder /sqlite/libsqlite3.so.0 /usr/local/lib/
COPY --from=builder /tools /usr/local/bin
COPY --from=builder /opt/surveyapp /opt/surveyapp
COPY deploy/healthy.py /usr/local/bin/healthy
ENV PATH=/opt/surveyapp/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp \
    SURVEYAPP_DATA_DIR=/data \
    SURVEYAPP_KEYS_DIR=/keys \
    SURVEYAPP_LEDGER_DIR=/ledger
# The build fails rather than ship the old SQLite, a PDF that cannot be drawn, or a missing tool.
RUN ldconfig \
    && python -c 'import sqlite3, sys; sys.exit(sqlite3.sqlite_version_info < (3, 51, 3))' \
    && python -c 'import weasyprint; assert weasyprint.HTML(string="<p>ready").write_pdf()' \
    && pg_dump --version && pg_restore --version && surveyapp --help >/dev/null \
    && rm -rf /tmp/*

USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/keys", "/ledger", "/backups"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["healthy", "http://127.0.0.1:8000/healthz"]
ENTRYPOINT ["surveyapp"]
CMD ["serve", "--bind", "0.0.0.0:8000"]
