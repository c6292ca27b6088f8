#!/usr/bin/env bash
# Puts each known defect of src/base/known_bad.h back, one build each, and demands that the tests
# fail with it. known_bad.sh [NAME...]; without names, all of them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=$(nproc)
targets=(shard_test model_test client_simulation_test)

if [[ $# -gt 0 ]]; then
  names=("$@")
else
  mapfile -t names < <(sed -n '/^enum class KnownBad/,/^};/s/^  \([a-z_]*\),.*/\1/p' src/base/known_bad.h |
    grep -v '^none$')
fi

build=build/known-bad
mkdir -p "$build"
unnoticed=()
for name in "${names[@]}"; do
  log=$build/$name.log
  if ! { cmake --preset dev -B "$build/tree" -DNOKV_PCH=OFF -DNOKV_KNOWN_BAD="$name" &&
    cmake --build "$build/tree" -j "$jobs" --target "${targets[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log"
    printf 'known-bad: %s does not build\n' "$name" >&2
    exit 2
  fi
  noticed=()
  for target in "${targets[@]}"; do
    status=0
    GTEST_FAIL_FAST=1 NOKV_MODEL_SHRINK=0 NOKV_MODEL_OPERATIONS=5000 \
      timeout 300 "$(find "$build/tree/src" -type f -name "$target")" --gtest_brief=1 >>"$log" 2>&1 || status=$?
    # A test that hangs has noticed nothing that it could tell anybody.
    [[ $status == 0 || $status == 124 ]] || noticed+=("$target")
  done
  if [[ ${#noticed[@]} == 0 ]]; then
    unnoticed+=("$name")
    printf '%-28s NOT NOTICED\n' "$name"
  else
    printf '%-28s noticed by %s\n' "$name" "${noticed[*]}"
  fi
done
[[ ${#unnoticed[@]} == 0 ]] || {
  printf 'known-bad: the tests pass with: %s (logs in %s)\n' "${unnoticed[*]}" "$build" >&2
  exit 1
}
