# Sourced by .ci/run, after docker-engine.sh. provide_pgbouncer installs the pooler (on Debian) that tests of the Postgres
# destination start.

provide_pgbouncer() {
  command -v pgbouncer > /dev/null && return
  if ! command -v apt-get > /dev/null; then
    echo 'Install pgbouncer first; there is no apt-get to do it with.' >&2
    return 1
  fi
  "${as_root[@]}" apt-get update -qq || return
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer
}
