#!/usr/bin/env bash
# A one-node Ceph in memory with its S3 gateway; tools/s3_server.sh is the way to call it.
#
#   tools/s3_rgw.sh start DIR PORT ACCESS_KEY SECRET_KEY    on 127.0.0.1, ports PORT to PORT + 2
#   tools/s3_rgw.sh stop DIR
#
# One monitor and one object daemon that keeps everything in memory; no manager. DIR/run holds one
# pid file per daemon. Needs the packages of group rgw.
set -euo pipefail

dir=$2
conf=$dir/ceph.conf
me=$(id -un) my_group=$(id -gn)

# Without a valid key the tools wait five minutes; nothing here takes one.
ceph_tool() { timeout 60 "$@"; }

write_config() {
  local port=$1
  cat >"$conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth allow insecure global id reclaim = false
run dir = $dir/run
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/\$name.log
mon data = $dir/mon
osd data = $dir/osd
keyring = $dir/keyring
# One copy on one daemon is enough for a test, and few placement groups start sooner.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 2000
mon data avail crit = 1
osd objectstore = memstore
memstore device bytes = 4294967296
[osd]
keyring = $dir/osd/keyring
[client.admin]
rgw data = $dir/rgw
# Without tcp_nodelay every small GET takes 44 ms.
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw dns name = s3.localhost
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
rgw gc obj min wait = 60
CONF
}

start_monitor() {
  local port=$1 fsid
  fsid=$(sed -n 's/^fsid = //p' "$conf")
  ceph-authtool --create-keyring "$dir/keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$dir/keyring" --gen-key -n client.admin \
    --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  monmaptool --create --fsid "$fsid" \
    --addv a "[v2:127.0.0.1:$((port + 1)),v1:127.0.0.1:$((port + 2))]" "$dir/monmap"
  ceph-mon -c "$conf" -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring" \
    --setuser "$me" --setgroup "$my_group"
  ceph-mon -c "$conf" -i a
}

start_object_daemon() {
  local uuid id
  uuid=$(cat /proc/sys/kernel/random/uuid)
  id=$(ceph_tool ceph -c "$conf" osd new "$uuid")
  ceph_tool ceph -c "$conf" auth get-or-create "osd.$id" \
    mon 'allow profile osd' osd 'allow *' -o "$dir/osd/keyring"
  ceph-osd -c "$conf" -i "$id" --mkfs --osd-uuid "$uuid"
  ceph-osd -c "$conf" -i "$id"
  # The daemon may have placed itself already; then this is refused.
  ceph_tool ceph -c "$conf" osd crush add "osd.$id" 1 root=default host=localhost || true
}

start() {
  local port=$1 access_key=$2 secret_key=$3 try
  rm -rf "$dir"
  mkdir -p "$dir/mon" "$dir/osd" "$dir/rgw" "$dir/run"
  write_config "$port"
  start_monitor "$port"
  start_object_daemon
  radosgw -c "$conf" -n client.admin
  for ((try = 0; try < 600; try++)); do
    curl --silent --max-time 1 --output /dev/null "http://127.0.0.1:$port/" && break
    sleep 0.1
  done
  ceph_tool radosgw-admin -c "$conf" user create --uid test --display-name test \
    --access-key "$access_key" --secret-key "$secret_key"
}

# Daemons remove their pid files when they end.
stop() {
  local file pid try left
  for file in "$dir"/run/*.pid; do
    [[ -e $file ]] || continue
    pid=$(cat "$file")
    # Its command line names our configuration, so this cannot be another program's process.
    grep -qzF "$conf" "/proc/$pid/cmdline" 2>/dev/null && kill -TERM "$pid"
  done
  for ((try = 0; try < 100; try++)); do
    left=0
    for file in "$dir"/run/*.pid; do
      [[ -e $file ]] && kill -0 "$(cat "$file")" 2>/dev/null && left=1
    done
    [[ $left == 1 ]] || return 0
    sleep 0.1
  done
}

case $1 in
  start)
    # A daemon that came up must not stay behind when a later one fails.
    trap 'stop' ERR
    start "$3" "$4" "$5"
    ;;
  stop) stop ;;
esac
