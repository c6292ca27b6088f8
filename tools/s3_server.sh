#!/usr/bin/env bash
# Starts and stops real S3 servers on 127.0.0.1 for tests, the demo of S3 and benchmarks.
#
#   tools/s3_server.sh list                         names of the servers that tests shall run against
#   tools/s3_server.sh start NAME DIR [OWNER_PID]   NAME: versitygw, minio, rgw or s3s-fs
#   tools/s3_server.sh stop DIR                     also right when it has stopped already
#
# `start` makes DIR, picks a free port, waits until the server answers, and prints its URL, the only
# line on stdout. DIR then holds `port`, `pid`, `log` and the server's data; removing DIR is the
# caller's. With OWNER_PID the server is ended when that process is gone, however it died.
# versitygw speaks TLS with VGW_CERT and VGW_KEY in the environment; its URL is https:// then.
# Region us-east-1, access key testkey, secret key testsecret123, path style, or virtual-host style
# below s3.localhost; no bucket exists at the start.
# `list` follows NOKV_S3: "versitygw" (default), "all", or names separated by commas.
# Servers come from tools/setup (test, or s3 for all). Exit status: 0, 1 when it fails, 2 for usage.
set -euo pipefail

readonly kKey=testkey kSecret=testsecret123 kDomain=s3.localhost
readonly kReadyTries=600 kStartTries=8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/nokv/bin

say() { printf 's3_server: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}
usage() {
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# Prints the first of $1 neighbouring ports that nobody listens on now. Below the range that
# outgoing connections draw from, so that only another server can take it before ours does.
free_ports() {
  python3 - "$1" <<'PY'
import random, socket, sys
for _ in range(1000):
    first, held = random.randrange(10000, 30000), []
    try:
        for port in range(first, first + int(sys.argv[1])):
            held.append(socket.socket())
            held[-1].bind(('127.0.0.1', port))
    except OSError:
        continue
    print(first)
    sys.exit(0)
sys.exit('no free ports')
PY
}

# The time a process started, in ticks since boot: with the pid it names one process for ever.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
alive() { [[ -n $2 && $(started_at "$1") == "$2" ]]; }

# True when process $1 itself listens on port $2; another server's answer must not pass for ours.
listens() {
  local inode
  inode=$(awk -v port="$(printf ':%04X' "$2")" \
    '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null | head -n 1)
  [[ -n $inode ]] && find "/proc/$1/fd" -lname "socket:\[$inode\]" 2>/dev/null | grep -q .
}

# launch COMMAND...: in the background, away from the caller's terminal and pipes; sets `pid`.
launch() {
  setsid "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
}

need() { [[ -x $bin/$1 ]] || die "$1 is not installed; run: tools/setup ${2:-s3}"; }

# Each start_NAME starts the server on `port` with its data in `dir` and sets `pid`.
start_versitygw() {
  need versitygw test
  # Versions must lie outside the data.
  mkdir -p "$dir/data" "$dir/versions"
  launch env ROOT_ACCESS_KEY=$kKey ROOT_SECRET_KEY=$kSecret VGW_VIRTUAL_DOMAIN=$kDomain \
    "$bin/versitygw" --port "127.0.0.1:$port" --keep-alive --quiet \
    posix --versioning-dir "$dir/versions" "$dir/data"
}

start_minio() {
  need minio
  launch env MINIO_ROOT_USER=$kKey MINIO_ROOT_PASSWORD=$kSecret MINIO_DOMAIN=$kDomain \
    MINIO_BROWSER=off MINIO_UPDATE=off "$bin/minio" server --quiet --anonymous \
    --address "127.0.0.1:$port" --console-address "127.0.0.1:$((port + 1))" \
    --config-dir "$dir/config" "$dir/data"
}

start_s3s-fs() {
  need s3s-fs
  mkdir -p "$dir/data"
  launch "$bin/s3s-fs" --host 127.0.0.1 --port "$port" --access-key $kKey --secret-key $kSecret \
    --domain "$kDomain:$port" "$dir/data"
}

start_rgw() {
  command -v radosgw >/dev/null || die "radosgw is not installed; run: tools/setup s3"
  "$here/s3_rgw.sh" start "$dir/ceph" "$port" $kKey $kSecret >>"$dir/log" 2>&1 || return 1
  pid=$(cat "$dir/ceph/run/client.admin.pid")
}

# Waits until the server answers anything. Fails when it has ended or listens elsewhere.
wait_ready() {
  local try
  for ((try = 0; try < kReadyTries; try++)); do
    alive "$pid" "$since" || return 1
    if listens "$pid" "$port" &&
      { curl --silent --max-time 1 --output /dev/null "http://127.0.0.1:$port/" ||
        curl --silent --insecure --max-time 1 --output /dev/null "https://127.0.0.1:$port/"; }; then
      return 0
    fi
    sleep 0.05
  done
  return 1
}

end_pid() {
  local try
  alive "$1" "$2" || return 0
  kill -TERM "$1" 2>/dev/null || true
  for ((try = 0; try < 100; try++)); do
    alive "$1" "$2" || return 0
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null || true
}

# Ends the server in `dir` once process $1 is gone.
watch_owner() {
  local owner=$1 owner_since
  owner_since=$(started_at "$owner") || die "no process $owner to own the server"
  (
    trap '' HUP INT
    while alive "$owner" "$owner_since" && alive "$pid" "$since"; do sleep 1; done
    stop
  ) </dev/null >/dev/null 2>&1 &
}

start() {
  local name=$1 owner=${2:-} try scheme=http
  [[ $(type -t "start_$name") == function ]] || die "no server '$name'; see: $0"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  for ((try = 1; try <= kStartTries; try++)); do
    port=$(free_ports 3)
    pid=
    if "start_$name"; then
      since=$(started_at "$pid" || true)
      if wait_ready; then
        printf '%s %s\n' "$pid" "$since" >"$dir/pid"
        printf '%s\n' "$port" >"$dir/port"
        [[ -z $owner ]] || watch_owner "$owner"
        [[ $name == versitygw && -n ${VGW_CERT:-} ]] && scheme=https
        printf '%s://127.0.0.1:%s\n' "$scheme" "$port"
        return
      fi
      end_pid "$pid" "$since"
    fi
    say "$name did not come up on port $port (try $try of $kStartTries)"
  done
  tail -n 20 "$dir/log" >&2
  die "$name did not start; its log is above"
}

stop() {
  if [[ -d $dir/ceph ]]; then "$here/s3_rgw.sh" stop "$dir/ceph"; fi
  [[ -f $dir/pid ]] || return 0
  read -r pid since <"$dir/pid" || true
  end_pid "$pid" "$since"
  rm -f "$dir/pid" "$dir/port"
}

list() {
  local names=${NOKV_S3:-versitygw}
  [[ $names != all ]] || names=versitygw,minio,rgw,s3s-fs
  tr ',' '\n' <<<"$names"
}

case ${1:-} in
  list) list ;;
  start)
    [[ $# == 3 || $# == 4 ]] || usage
    dir=$3
    start "$2" "${4:-}"
    ;;
  stop)
    [[ $# == 2 ]] || usage
    dir=$2
    stop
    ;;
  *) usage ;;
esac
