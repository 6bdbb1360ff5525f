# Sourced by .ci/run. provide_docker makes sure that a Docker engine answers: it installs what is missing (on Debian) and
# starts an engine when none does; stop_docker ends the one that was started here, and no other.

# dockerd is in sbin, which is not on everyone's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
dockerd_log=${TMPDIR:-/tmp}/penstock-dockerd.log
dockerd_started=

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)

docker_answers() { timeout 20 docker version > /dev/null 2>&1; }

# Waits up to $1 seconds.
docker_answers_within() {
  local until=$((SECONDS + $1))
  until docker_answers; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.5
  done
}

provide_docker() {
  # A client alone is no engine. Compose is there as a program or as a plugin of the client.
  local missing=()
  docker_answers || command -v dockerd > /dev/null || missing+=(docker.io)
  command -v docker-compose > /dev/null || docker compose version > /dev/null 2>&1 || missing+=(docker-compose)
  if command -v apt-get > /dev/null; then
    # Where no registry can be reached, `make images` takes busybox-static from Debian, so apt must know where it is.
    if [ "${#missing[@]}" -gt 0 ] || ! apt-cache policy busybox-static 2> /dev/null | grep -q 'Candidate: [0-9]'; then
      "${as_root[@]}" apt-get update -qq || return
    fi
    if [ "${#missing[@]}" -gt 0 ]; then
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" || return
    fi
  elif [ "${#missing[@]}" -gt 0 ]; then
    echo "Install these first; there is no apt-get to do it with: ${missing[*]}" >&2
    return 1
  fi
  hash -r

  # Debian's package starts its engine where there is a service manager.
  if ! docker_answers_within $((${#missing[@]} > 0 ? 10 : 0)); then
    echo "Starting dockerd, its log is $dockerd_log"
    # So that this user may use it, whoever that is.
    "${as_root[@]}" dockerd --group "$(id -gn)" > "$dockerd_log" 2>&1 < /dev/null &
    dockerd_started=$!
  fi
  docker_answers_within 60 && return
  # A client that came from elsewhere, and came first on PATH, may be too new for Debian's engine.
  if timeout 20 /usr/bin/docker version > /dev/null 2>&1; then
    PATH=/usr/bin:$PATH
    hash -r
    return
  fi
  echo 'No Docker engine answers:' >&2
  docker version 2>&1 | tail -n 1 >&2
  [ -z "$dockerd_started" ] || tail -n 5 "$dockerd_log" >&2
  return 1
}

stop_docker() {
  [ -n "$dockerd_started" ] || return 0
  # With sudo it is sudo's process that is known here; it passes the signal on.
  "${as_root[@]}" kill "$dockerd_started" 2> /dev/null
  wait "$dockerd_started"
  dockerd_started=
}
