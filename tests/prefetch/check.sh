#!/usr/bin/env bash
# Whether compilers leave the marker its prefetches. gcc takes a function that does nothing but prefetch for one without
# effect and drops calls of it, without a word; marking is then two to four times slower and still right, so no other
# test sees it. Compiles lib/mark/marker.c and lib/heap/region.c to assembly at -O2 and counts: the marker touches three
# lines of each object ahead of time, allocation at least one. Then the same with the macro as it must not be, which gcc
# has to drop: a check that this one can fail.
#   usage: tests/prefetch/check.sh     make check calls it
# Tries gcc, clang, and clang for arm64, as far as they are there. A line per check and, as its last line, "N passed, N
# failed"; status 77 when there was nothing to try.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# A copy of the macros without what keeps the prefetch.
mkdir -p "$work/bare/support"
sed 's/__asm__ volatile("");/(void)0;/' "$top/lib/support/tool.h" >"$work/bare/support/tool.h"
cmp -s "$work/bare/support/tool.h" "$top/lib/support/tool.h" && { echo "the macro to break is not there"; exit 1; }

# prefetches INCLUDE FILE COMMAND...: prefetch instructions that a compiler makes of a file; nothing if it cannot.
prefetches() {
  local include=$1 file=$2
  shift 2
  "$@" -std=gnu11 -O2 -S -o "$work/out.s" ${include:+-I"$include"} -I"$top/include" -I"$top/lib" -I"$top" \
    "$top/$file" 2>"$work/errors" || return
  grep -cE '^[[:space:]]*(prefetch|prfm)' "$work/out.s"
}

# expect NAME LEAST FILE COMMAND...
expect() {
  local name=$1 least=$2 file=$3 found
  shift 3
  found=$(prefetches "" "$file" "$@")
  if [ -z "$found" ]; then
    echo "skipped: $name, $file: does not compile here"
  elif [ "$found" -ge "$least" ]; then
    passed=$((passed + 1))
    echo "passed: $name, $file: $found prefetches"
  else
    failed=$((failed + 1))
    echo "FAILED: $name, $file: $found prefetches, not $least"
  fi
}

# gcc with the bare macro: the marker's own function goes with its calls.
expect_dropped() {
  local found
  found=$(prefetches "$work/bare" lib/mark/marker.c gcc)
  if [ "$found" = 0 ]; then
    passed=$((passed + 1))
    echo "passed: gcc drops bare prefetches"
  else
    echo "skipped: this gcc keeps bare prefetches ($found)"
  fi
}

for file in lib/mark/marker.c lib/heap/region.c; do
  least=$([ "$file" = lib/mark/marker.c ] && echo 3 || echo 1)
  command -v gcc >/dev/null && expect gcc "$least" "$file" gcc
  command -v clang >/dev/null && expect clang "$least" "$file" clang
  command -v clang >/dev/null && [ -d /usr/aarch64-linux-gnu/include ] &&
    expect "clang for arm64" "$least" "$file" clang --target=aarch64-linux-gnu
done
command -v gcc >/dev/null && expect_dropped
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] || exit 1
[ "$passed" -gt 0 ] || exit 77
