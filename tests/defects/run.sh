#!/usr/bin/env bash
# run.sh: seeded defects. Breaks the collector on purpose, in one place at a time, and expects a test to notice.
#
#   run.sh [fast|nightly] [NAME...]   all defects, or those named; nightly adds those with "When: nightly"
#   run.sh list                       print name, command and sentence of each
#
# Each NAME.patch here is a unified diff against lib/, threads/ or include/ under a header:
#   (text)                 what is broken, in a sentence or two
#   Caught-by: COMMAND     the cheapest command that notices, a test or stress program as `make` names it,
#                          with arguments, VARIABLE=value before it where needed
#   Build: debug           compiled with LULL_DEBUG (default: release)
#   Hang: yes              the defect shows by a command that does not end
#   Limit: SECONDS         for the command (default 120)
#   When: nightly          too long for every day
#
# Each distinct command must pass on the code as it is; with the defect it must fail, by its exit status, or by its
# time limit if the header says so. A patch that does not apply, does not compile or is not noticed is a failure here.
# Prints a line for each defect and "N passed, N failed"; exit status 1 on a failure, 2 on a usage error.
# KEEP_LOGS=FOLDER keeps what the commands said. JOBS is the number of defects at work at a time (default: processors, at most 4). Works from any directory and
# writes only to a scratch folder of its own.
set -uo pipefail
export LC_ALL=C
ulimit -c 0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
top=$(cd "$here/../.." && pwd) || exit 2

# header NAME KEY: the value of a header line, or nothing.
header() { sed -n -e '/^--- /q' -e "s/^$2: *//p" "$here/$1.patch"; }
sentence() { sed -e '/^--- /,$d' -e '/^[A-Z][a-z-]*: /d' "$here/$1.patch" | tr '\n' ' ' | sed 's/ *$//'; }
kind_of() { if [ "$(header "$1" Build)" = debug ]; then echo debug; else echo release; fi; }

flags_of() {
  echo "-std=gnu11 -O1 -g -pthread -D_GNU_SOURCE -fvisibility=hidden -Iinclude -Ilib -I. $DEFECT_CFLAGS"
  if [ "$1" = debug ]; then echo "-DLULL_DEBUG=1"; fi
}

# sources NAME: the .c files that a module.mk lists under NAME_SOURCES.
sources() {
  cat tests/module.mk stress/module.mk | sed -e ':a' -e '/\\$/{N;s/\\\n//;ta' -e '}' |
    sed -n "s/^$1_SOURCES *=//p" | xargs -n 1 | grep '\.c$'
}

# program_sources PROGRAM: everything that is compiled for it beside the library.
program_sources() {
  sources "${1//\//_}"
  case $1 in stress/*) sources stress_libstress_la ;; esac
}

# compile KIND OUT FILE...: objects, named after their files, and their dependencies.
compile() {
  local kind=$1 out=$2 file
  shift 2
  for file in "$@"; do
    # shellcheck disable=SC2046  # flags are a list
    gcc $(flags_of "$kind") -MMD -c -o "$out/${file//\//+}.o" "$file" || return 1
  done
}

# link PROGRAM LIBRARY OUT FOLDER...: each object from the first of the folders that has it.
link() {
  local program=$1 library=$2 out=$3 file dir
  local -a objects=()
  shift 3
  while IFS= read -r file; do
    for dir in "$@"; do
      if [ -f "$dir/${file//\//+}.o" ]; then
        objects+=("$dir/${file//\//+}.o")
        break
      fi
    done
  done < <(program_sources "$program")
  # shellcheck disable=SC2086  # libraries are a list
  gcc -pthread -o "$out" "${objects[@]}" "$library" $DEFECT_LIBS
}

# run_command PROGRAM_FILE LOG LIMIT COMMAND...: runs it with that program; 0, 1 or 124 (time over).
run_command() {
  local program=$1 log=$2 limit=$3 status=0
  local -a settings=()
  shift 3
  while [[ $1 == [A-Z]*=* ]]; do
    settings+=("$1")
    shift
  done
  shift
  # The outer redirection is for what the shell says of a program that aborts.
  { CK_DEFAULT_TIMEOUT=$((limit / 2)) env "${settings[@]}" timeout -k 5 "$limit" "$program" "$@" >"$log" 2>&1 </dev/null; } \
    2>/dev/null || status=$?
  case $status in
    0) return 0 ;;
    124 | 137) return 124 ;;
  esac
  # Check's own limits are limits too, when nothing else was wrong.
  ! grep -q 'Test timeout expired' "$log" || grep -E ':[EF]:' "$log" | grep -qv 'Test timeout expired' || return 124
  return 1
}

# program_of COMMAND...: the first word that is no setting.
program_of() {
  while [[ $1 == [A-Z]*=* ]]; do shift; done
  echo "$1"
}

# Where a program without defects is built.
home_of() { echo "$DEFECT_SCRATCH/$1/programs/${2//\//+}"; }

# build KIND PROGRAM: the program without defects.
build() {
  local home
  local -a files
  home=$(home_of "$1" "$2")
  cd "$DEFECT_SCRATCH/tree" && mkdir -p "$home" || exit 1
  mapfile -t files < <(program_sources "$2")
  if [ ${#files[@]} -eq 0 ]; then
    echo "WRONG $2: in no module.mk"
  elif ! { compile "$1" "$home" "${files[@]}" &&
    link "$2" "$DEFECT_SCRATCH/$1/liblull.a" "$home/program" "$home"; } 2>"$home/errors"; then
    echo "WRONG $2: cannot be built"
    tail -n 5 "$home/errors"
  fi
}

# unbroken KIND LIMIT COMMAND: the command without defects; a file says that it passes.
unbroken() {
  local kind=$1 limit=$2 text=$3 key home began=$SECONDS status=0
  local -a words
  read -ra words <<<"$text"
  home=$(home_of "$kind" "$(program_of "${words[@]}")")
  [ -x "$home/program" ] || return
  key=$home/$(key_of "$text")
  run_command "$home/program" "$key.log" "$limit" "${words[@]}" || status=$?
  if [ "$status" -eq 0 ]; then
    touch "$key.good"
    echo "      without defects: $text passes ($kind, $((SECONDS - began)) s)"
  else
    echo "WRONG without defects: $text fails with status $status ($kind, $((SECONDS - began)) s)"
    tail -n 5 "$key.log" | sed 's/^/      | /'
  fi
}

key_of() { cksum <<<"$*" | tr ' ' -; }

# verdict NAME NOTE WORD...: one line, and a file for the count.
verdict() {
  local name=$1 note=$2
  shift 2
  printf '%-5s %-28s %s\n' "$note" "$name" "$*"
  if [ "$note" = ok ]; then touch "$DEFECT_SCRATCH/results/$name"; fi
}

# one NAME: applies, compiles, links, runs.
one() {
  local name=$1 kind text program home dir changed object file limit began=$SECONDS status=0 how
  local -a words broken
  kind=$(kind_of "$name")
  text=$(header "$name" Caught-by)
  limit=$(header "$name" Limit)
  read -ra words <<<"$text"
  [ ${#words[@]} -gt 0 ] || { verdict "$name" WRONG "has no line Caught-by"; return; }
  program=$(program_of "${words[@]}")
  home=$(home_of "$kind" "$program")
  [ -f "$home/$(key_of "$text").good" ] || { verdict "$name" WRONG "what should notice it fails without it: $text"; return; }
  dir=$DEFECT_SCRATCH/$name
  mkdir "$dir" && cp -r "$DEFECT_SCRATCH/tree" "$dir/tree" && cd "$dir/tree" && mkdir "$dir/o" || exit 1
  patch -p1 --fuzz=3 --no-backup-if-mismatch <"$here/$name.patch" >"$dir/patch.out" 2>&1 ||
    { verdict "$name" WRONG "does not apply: $(tail -n 1 "$dir/patch.out")"; return; }
  changed=$(sed -n 's/^patching file //p' "$dir/patch.out" | tr -d "'" | paste -sd'|')
  mapfile -t broken < <(grep -l -E "(^| )(\./)?($changed)( |\$)" "$DEFECT_SCRATCH/$kind"/*.d "$home"/*.d)
  [ ${#broken[@]} -gt 0 ] || { verdict "$name" WRONG "changes nothing that is compiled"; return; }
  cp "$DEFECT_SCRATCH/$kind/liblull.a" "$dir/liblull.a"
  for object in "${broken[@]}"; do
    file=$(basename "$object" .d)
    file=${file//+//}
    compile "$kind" "$dir/o" "$file" 2>>"$dir/errors" ||
      { verdict "$name" WRONG "does not compile: $(grep -m 1 error: "$dir/errors")"; return; }
    case $file in lib/* | threads/*) ar r "$dir/liblull.a" "$dir/o/${file//\//+}.o" || exit 1 ;; esac
  done
  link "$program" "$dir/liblull.a" "$dir/program" "$dir/o" "$home" 2>>"$dir/errors" ||
    { verdict "$name" WRONG "does not link: $(tail -n 1 "$dir/errors")"; return; }
  run_command "$dir/program" "$dir/log" "${limit:-120}" "${words[@]}" || status=$?
  how="$(sentence "$name") [$text, $((SECONDS - began)) s]"
  if [ "$status" -eq 0 ]; then
    verdict "$name" WRONG "not noticed: $how"
  elif [ "$status" -eq 124 ] && [ "$(header "$name" Hang)" != yes ]; then
    verdict "$name" WRONG "ran into the time limit: $how"
  else
    verdict "$name" ok "$how"
  fi
  if [ -n "${KEEP_LOGS-}" ]; then cp "$dir/log" "$KEEP_LOGS/$name.log"; fi
  cd / && rm -rf "$dir"
}

names_all() { for file in "$here"/*.patch; do basename "$file" .patch; done; }

mode=fast
case ${1-} in
  fast | nightly) mode=$1; shift ;;
  list)
    for name in $(names_all); do printf '%s: %s\n    %s\n' "$name" "$(header "$name" Caught-by)" "$(sentence "$name")"; done
    exit 0
    ;;
  --one) one "$2"; exit 0 ;;
  --build) build "$2" "$3"; exit 0 ;;
  --unbroken) unbroken "$2" "$3" "$4"; exit 0 ;;
  --compile) cd "$DEFECT_SCRATCH/tree" && compile "$2" "$DEFECT_SCRATCH/$2" "$3"; exit ;;
  -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

for tool in gcc ar patch pkg-config timeout; do
  command -v "$tool" >/dev/null || { echo "run.sh: $tool is not installed" >&2; exit 2; }
done
modules='check liburcu-bp ck'
# shellcheck disable=SC2086  # modules are a list
if ! DEFECT_CFLAGS=$(pkg-config --cflags $modules) || ! DEFECT_LIBS=$(pkg-config --libs $modules); then
  echo "run.sh: pkg-config does not find one of: $modules" >&2
  exit 2
fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for name in $(names_all); do
    if [ "$mode" = nightly ] || [ "$(header "$name" When)" != nightly ]; then names+=("$name"); fi
  done
fi
for name in "${names[@]}"; do
  [ -f "$here/$name.patch" ] || { echo "run.sh: no defect $name" >&2; exit 2; }
done
jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}
if [ -z "${JOBS-}" ] && [ "$jobs" -gt 4 ]; then jobs=4; fi

DEFECT_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/defects.XXXXXX") || exit 2
export DEFECT_SCRATCH DEFECT_CFLAGS DEFECT_LIBS
trap 'rm -rf "$DEFECT_SCRATCH"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$DEFECT_SCRATCH/tree" "$DEFECT_SCRATCH/results"
(cd "$top" && cp -r include lib threads "$DEFECT_SCRATCH/tree/" &&
  mkdir -p "$DEFECT_SCRATCH/tree/tests" && cp tests/*.[ch] tests/module.mk "$DEFECT_SCRATCH/tree/tests/" &&
  cp -r stress "$DEFECT_SCRATCH/tree/") || exit 2

for name in "${names[@]}"; do kind_of "$name"; done | sort -u >"$DEFECT_SCRATCH/kinds"
while IFS= read -r kind; do
  mkdir "$DEFECT_SCRATCH/$kind"
  (cd "$DEFECT_SCRATCH/tree" && find lib threads -name '*.c') |
    xargs -P "$jobs" -I FILE "$here/run.sh" --compile "$kind" FILE ||
    { echo "run.sh: the library does not compile ($kind)" >&2; echo "0 passed, ${#names[@]} failed"; exit 1; }
  ar rc "$DEFECT_SCRATCH/$kind/liblull.a" "$DEFECT_SCRATCH/$kind"/*.o || exit 2
done <"$DEFECT_SCRATCH/kinds"
echo "      built: $(paste -sd' ' "$DEFECT_SCRATCH/kinds"), $SECONDS s"

# Programs and commands, each once: kind, program, and kind, limit, command, in words that end with a zero byte.
declare -A seen=()
once() { # list words
  local list=$1 key=$*
  shift
  [ -z "${seen[$key]-}" ] || return 0
  seen[$key]=1
  printf '%s\0' "$@" >>"$DEFECT_SCRATCH/$list"
}
touch "$DEFECT_SCRATCH/programs" "$DEFECT_SCRATCH/commands"
for name in "${names[@]}"; do
  text=$(header "$name" Caught-by) limit=$(header "$name" Limit)
  read -ra words <<<"$text"
  [ ${#words[@]} -gt 0 ] || continue
  once programs "$(kind_of "$name")" "$(program_of "${words[@]}")"
  once commands "$(kind_of "$name")" "${limit:-120}" "$text"
done
xargs -0 -r -P "$jobs" -n 2 "$here/run.sh" --build <"$DEFECT_SCRATCH/programs"
xargs -0 -r -P "$jobs" -n 3 "$here/run.sh" --unbroken <"$DEFECT_SCRATCH/commands"

printf '%s\n' "${names[@]}" | xargs -P "$jobs" -n 1 "$here/run.sh" --one
passed=$(find "$DEFECT_SCRATCH/results" -type f | wc -l)
failed=$((${#names[@]} - passed))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
