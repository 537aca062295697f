#!/usr/bin/env bash
# A short run of every example, for `make check`. Runs in the build folder; textindex and its
# twins check themselves.
set -u
failed=0

# run PROGRAM ARGUMENT...: one program within two minutes; what it said is shown when it failed.
run() {
  local said status
  said=$(timeout -k 5 120 "$@" 2>&1)
  status=$?
  if [ "$status" -eq 0 ]; then
    tail -n 1 <<<"$said" | cut -c 1-160
  else
    printf '%s\n' "$said" | tail -n 60
    echo "FAILED: $* (status $status)"
    failed=1
  fi
}

# The project's own texts are the input: the same on every machine.
short=(--figures --seconds 3 --threads 3 --queriers 2 --limit-mb 2 /nowhere)
run examples/first/first
run examples/textindex/textindex --heap 64M "${short[@]}"
for twin in malloc boehm; do
  if [ -x "examples/textindex/textindex-$twin" ]; then
    run "examples/textindex/textindex-$twin" "${short[@]}"
  fi
done
exit "$failed"
