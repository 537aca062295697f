#!/usr/bin/env bash
# A short run of every workload on Lull and, where it is built (not under sanitizers), on malloc,
# for `make check`. Runs in the build folder; each program checks itself, and the two must agree
# about the result.
# Arguments: the workloads to run (all of them by default).
set -u
cd bench || exit 1
failed=0

# one PROGRAM ARGUMENT...: one program within two minutes; its line goes to $said. What it said is
# shown when it failed.
one() {
  local program=$1 status
  shift
  said=$(timeout -k 5 120 "./$program" "$@" 2>&1)
  status=$?
  if [ "$status" -eq 0 ] && [[ $said == "{"*'"check": '*"}" ]]; then
    cut -c 1-300 <<<"$said"
  else
    tail -n 60 <<<"$said"
    echo "FAILED: bench/$program $* (status $status)"
    failed=1
  fi
}

# result: the check and the number of operations in $said.
result() {
  grep -oE '"(operations|check)": [0-9]+' <<<"$said"
}

wanted() {
  [ ${#names[@]} -eq 0 ] || [[ " ${names[*]} " == *" $1 "* ]]
}

# run WORKLOAD ARGUMENT...
run() {
  local name=workloads/$1 on_lull
  wanted "$1" || return
  shift
  one "$name-lull" "$@"
  on_lull=$(result)
  [ -x "$name-malloc" ] || return
  one "$name-malloc" "$@"
  if [ "$(result)" != "$on_lull" ]; then
    printf 'FAILED: bench/%s %s: Lull and malloc disagree:\n%s\n%s\n' "$name" "$*" "$on_lull" \
      "$(result)"
    failed=1
  fi
}

# micro PROGRAM ARGUMENT...
micro() {
  wanted "$1" || return
  one "micro/$1" "${@:2}"
}

names=("$@")
run alloc --objects 2000000 --threads 2
run alloc --objects 500000 --heap 16M --full 40
run alloc --objects 500000 --size 64 --threads 2 --heap 16M --full 40 --scattered
run binarytrees --depth 12 --threads 3
run cache --entries 20000 --operations 200000 --threads 3
run churn --live 8M --operations 100000
run documents --documents 2000 --live 200 --threads 2
run gcbench --stretch 14 --long 12 --array 50000
run gcbench --stretch 12 --long 10 --array 50000 --threads 2
run pusher --live 10000 --pushes 50000
run tree --depth 16 --operations 50000 --threads 2
micro barrier --rounds 2 --bytes 1M --stores 64K
micro create --rounds 20 --heaps 4
micro handshakes --cycles 10 --blocked 16
micro limit --live 2M
micro marking --bytes 4M --shape array --collections 2
micro marking --bytes 4M --shape tree --collections 2 --pages small
micro marking --bytes 4M --shape graph --collections 2 --pages huge
micro metadata --least 1M --most 2M
micro minor --live 4M --young 128K --minors 12
micro minor --live 4M --young 256K --minors 8 --threads 2 --survivors 50 --chain 3
micro roots --cycles 5 --many 20000
micro steps --live 2M --bytes 20M
exit "$failed"
