# steps.bash: long steps with a sign of life, and one account of what passed and failed.
# Sourced by ./run. Each step's full output is kept in $LOGS/<step>.log.
# shellcheck shell=bash

LOGS=$TOP/build/logs
HEARTBEAT=20 # seconds between progress lines of a running step
PASSED=0
FAILED=0
running=

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

die() {
  printf 'run: %s\n' "$*" >&2
  exit 2
}

count() {
  PASSED=$((PASSED + $1))
  FAILED=$((FAILED + $2))
}

# The step's process group ends with us.
stop_step() {
  [ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null
}
trap 'stop_step' EXIT
trap 'exit 130' INT TERM HUP

# step LABEL COMMAND [ARG...]: runs it in a process group of its own, with a progress line now
# and then. LOG is its output; the end of it is shown when it fails. Returns its status.
step() {
  local label=$1 begin=$SECONDS next status=0
  shift
  mkdir -p "$LOGS"
  LOG=$LOGS/$(tr -c 'a-z0-9\n' - <<<"${label,,}").log
  say "$label ..."
  set -m
  "$@" >"$LOG" 2>&1 </dev/null &
  running=$!
  set +m
  next=$((SECONDS + HEARTBEAT))
  while kill -0 "$running" 2>/dev/null; do
    sleep 0.2
    if [ "$SECONDS" -ge "$next" ]; then
      next=$((SECONDS + HEARTBEAT))
      say "  $label: $((SECONDS - begin)) s so far; $(tail -n 1 "$LOG" | cut -c 1-100)"
    fi
  done
  wait "$running" || status=$?
  running=
  if [ "$status" -eq 0 ]; then
    say "$label: done in $((SECONDS - begin)) s"
  else
    say "$label: FAILED with status $status after $((SECONDS - begin)) s; what failed in $LOG, and its end:"
    # Of a step with many parts the one that failed may stand far above the end.
    grep -aE '^(WRONG|FAIL|ERROR|not ok)' "$LOG" | head -n 20 | sed 's/^/    | /' || true
    tail -n 40 "$LOG" | sed 's/^/    | /'
  fi
  return "$status"
}

# work LABEL COMMAND...: a step that is no test: only its failure is counted.
work() {
  step "$@" || {
    count 0 1
    return 1
  }
}

# script LABEL COMMAND...: a test script. One whose last line is "N passed, N failed", perhaps with
# "name: " before it and a remark in brackets behind, counts as that many tests, any other as
# one; a bad exit status is never counted as success.
script() {
  local status=0 last good=0 bad=0
  step "$@" || status=$?
  last=$(tail -n 1 "$LOG")
  if [[ $last =~ ^([a-z ]+:\ )?([0-9]+)\ passed,\ ([0-9]+)\ failed(\ \(.*\))?$ ]]; then
    good=${BASH_REMATCH[2]} bad=${BASH_REMATCH[3]}
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$good" -gt 0 ] || [ "$bad" -gt 0 ] || bad=1
  elif [ "$status" -eq 0 ]; then
    good=1
  else
    bad=1
  fi
  count "$good" "$bad"
  grep -i -E '^(skipped|SKIP)' "$LOG" | sed 's/^/    /'
  [ "$bad" -eq 0 ]
}

# suite LABEL KIND: `make check` in that build. Counts Check's own results for each program on Check,
# one for each other test; a program that fails outside its tests (a leak, a crash) counts as one more.
suite() {
  local label=$1 dir=build/$2 status=0 trs log result good bad all_good=0 all_bad=0
  # Results of programs that are no longer listed must not be counted.
  find "$dir" -name '*.trs' -delete
  step "$label" under "$2" make -C "$dir" -k -j"$JOBS" check || status=$?
  while IFS= read -r trs; do
    log=${trs%.trs}.log
    result=$(sed -n 's/^:global-test-result: //p' "$trs")
    read -r good bad < <(awk -F'[:,]' '/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/ {
      bad += $5 + $7; good += $3 - $5 - $7 } END {print good + 0, bad + 0}' "$log")
    case $result in
      PASS) [ "$good" -gt 0 ] || good=1 ;;
      SKIP) good=0; say "  skipped: ${trs#"$dir"/}" ;;
      *)
        [ "$bad" -gt 0 ] || bad=1
        say "  FAILED: ${log#"$TOP"/}"
        tail -n 30 "$log" | sed 's/^/    | /'
        ;;
    esac
    all_good=$((all_good + good)) all_bad=$((all_bad + bad))
  done < <(find "$dir" -name '*.trs' | sort)
  [ "$status" -eq 0 ] || [ "$all_bad" -gt 0 ] || all_bad=1
  if [ $((all_good + all_bad)) -eq 0 ]; then
    say "  $label: no test ran"
    all_bad=1
  fi
  say "  $label: $all_good passed, $all_bad failed"
  count "$all_good" "$all_bad"
  [ "$all_bad" -eq 0 ]
}

# The last line of a run of tests, and its exit status.
finish() {
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
}
