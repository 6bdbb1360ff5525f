#!/bin/sh
# Makes a database on the first start and runs the server: the part of the public image's behaviour that is used here.
set -eu
PGDATA=${PGDATA:-/var/lib/postgresql/18/docker}
POSTGRES_USER=${POSTGRES_USER:-postgres}
POSTGRES_DB=${POSTGRES_DB:-$POSTGRES_USER}
export PGDATA

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  [ -z "${POSTGRES_PASSWORD_FILE:-}" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo 'Error: give POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, or POSTGRES_HOST_AUTH_METHOD=trust.' >&2
    exit 1
  fi
  umask 077
  printf '%s\n' "${POSTGRES_PASSWORD:-none}" > /tmp/password
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --encoding=UTF8 --locale=C --auth-local=trust \
    --auth-host="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" --no-instructions > /dev/null
  rm /tmp/password
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    printf 'create database "%s"\n' "$POSTGRES_DB" | postgres --single -j postgres > /dev/null
  fi
fi

[ "${1:-}" = postgres ] && shift
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
