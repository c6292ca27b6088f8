#!/usr/bin/env bash
# What nokv does, on one file: publish, read back, snapshot, change, read as it was. ./dev demo
# builds first and then calls this.
#
#   tools/demo.sh NOKV_BINARY
#
# Everything happens in a temporary directory and on a free port of 127.0.0.1; both are gone at the
# end. Exit status 0 when every step did what it says.
set -euo pipefail

nokv=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$(mktemp -d)
server=

clean_up() {
  local status=$?
  if [[ -n $server ]]; then
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  [[ $status == 0 ]] || { printf '\nThe demo FAILED. The server said:\n' && cat "$dir/log"; } >&2
  rm -rf "$dir"
}
trap clean_up EXIT
exec 3>&1  # for commands shown while their output goes to a file

step=0
say() {
  step=$((step + 1))
  printf '\n%d. %s\n' "$step" "$*"
}
fine() { printf '   %s\n' "$*"; }

# Shows the command as one would type it, then runs it.
run() {
  printf '   $ nokv %s\n' "$*" >&3
  "$nokv" "$@"
}
shown() { run "$@" | sed 's/^/   /'; }

die() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

wait_for_server() {
  local try
  for ((try = 0; try < 400; try++)); do
    [[ ! -s $dir/ready ]] || return 0
    kill -0 "$server" 2>/dev/null || die 'the server ended before it was ready'
    sleep 0.05
  done
  die 'the server was not ready within 20 s'
}

started=$(date +%s%N)
touch "$dir/log"

say 'Start a metadata server that keeps names and bodies in a temporary directory.'
"$nokv" --server-bind 127.0.0.1:0 --meta "$dir/meta" --ready-file "$dir/ready" serve \
  >"$dir/log" 2>&1 </dev/null &
server=$!
wait_for_server
NOKV_STORE=$(cat "$dir/ready")
export NOKV_STORE
fine "It answers at $NOKV_STORE"

say 'Create the namespace in it.'
shown init

say "Publish a real file: the nokv program itself, $(wc -c <"$nokv") bytes."
shown put-artifact /runs/1/checkpoint.bin "$nokv"

say 'Read it back and compare every byte.'
run cat /runs/1/checkpoint.bin >"$dir/restored.bin"
cmp "$nokv" "$dir/restored.bin" || die 'what came back differs'
fine "The same $(wc -c <"$dir/restored.bin") bytes came back."

say 'Publish a report beside it, and take a snapshot of everything below /runs.'
cp "$here/README.md" "$dir/first.md"
shown put-artifact /runs/1/report.md "$dir/first.md"
shown snapshot create before /runs

say 'Replace the report.'
printf '# Second thoughts\n\nThe loss was 0.31, not 0.13.\n' >"$dir/second.md"
shown put-artifact /runs/1/report.md "$dir/second.md"

say 'A reader of today gets the new report, a reader of the snapshot the old one.'
run cat /runs/1/report.md >"$dir/now.md"
run cat --at before /runs/1/report.md >"$dir/then.md"
cmp "$dir/second.md" "$dir/now.md" || die 'today is not the second report'
cmp "$dir/first.md" "$dir/then.md" || die 'the snapshot is not the first report'
fine "Today: \"$(head -n 1 "$dir/now.md")\". At the snapshot: \"$(head -n 1 "$dir/then.md")\"."

say 'List the directory.'
shown ls /runs/1

say 'Stop the server; it finishes what it has begun.'
kill -TERM "$server"
wait "$server" || die "the server ended with $?"
server=
fine "Done in $((($(date +%s%N) - started) / 1000000)) ms."
