# The program beside PostgreSQL for scratch databases and a Python for your project's Alembic.
# docker build -t alembic-gate . && docker run --rm -i -v "$PWD:/project" alembic-gate
FROM rust:1.90-slim-bookworm AS built
WORKDIR /source
COPY . .
RUN cargo build --locked --profile dist && mv target/dist/alembic-gate /alembic-gate

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="alembic-gate" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      io.modelcontextprotocol.server.name="io.github.alembic-gate/alembic-gate"
# PostgreSQL's programs are used as libraries are: each call starts a server of its own, and ends it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git postgresql-15 \
    && rm -rf /var/lib/apt/lists/* \
    && pip install --no-cache-dir alembic==1.20.1 SQLAlchemy==2.1.9 psycopg==3.3.9 psycopg-binary==3.3.9 \
    && useradd --create-home --uid 10001 gate
COPY --from=built /alembic-gate /usr/local/bin/alembic-gate
COPY --from=built /source/LICENSE-MIT /source/LICENSE-APACHE /usr/share/doc/alembic-gate/
USER 10001
WORKDIR /project
ENTRYPOINT ["alembic-gate"]
CMD ["serve"]
