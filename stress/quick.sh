#!/usr/bin/env bash
# A short run of every stress program, for `make check`. Runs in the build folder; each program
# checks itself, prints its line of figures, and is ended when it hangs.
# Arguments: the programs to run (all of them by default).
set -u
cd stress || exit 1
failed=0

# run PROGRAM ARGUMENT...: one program within two minutes; what it said is shown when it failed.
run() {
  local program=$1 said status
  shift
  if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $program "* ]]; then return; fi
  said=$(timeout -k 5 120 "./$program" "$@" 2>&1)
  status=$?
  if [ "$status" -eq 0 ]; then
    tail -n 1 <<<"$said"
  else
    printf '%s\n' "$said" | tail -n 60
    echo "FAILED: stress/$program $* (status $status)"
    failed=1
  fi
}

wanted=("$@")
run badinput
run deep --length 300000
run handoff --seconds 5
run handshakes --seconds 3
run limit --limit 16M --rounds 4
run pacing --small
run scaling --small
run storm --threads 5000
run stuck
run torture --seconds 8 --round 2 --seed 1
run torture --mode stw --rounds 2 --ops 20000 --seed 1
run torture --mode incremental --seconds 4 --round 2 --seed 1
for promote in 1 3; do # cycles until an object is old
  run torture --seconds 2 --round 1 --seed 2 --options "gc.generational=true,gc.young=64K,gc.promote=$promote"
  run torture --mode stw --rounds 2 --ops 10000 --seed 2 --options "gc.generational=true,gc.young=64K,gc.promote=$promote"
done
run wide --length 200K --stores 200000 --copies 2
exit "$failed"
