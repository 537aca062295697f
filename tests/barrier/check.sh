#!/usr/bin/env bash
# What lull_store costs while no cycle runs, in the instructions that compilers make of it at -O2: beside the store one
# load of the log, one compare with the thread's epoch, which is in memory, and one branch. (On arm64, where a compare
# takes registers only, the epoch is a load of its own.) Then mutants of the same function, each of which must be refused.
#   usage: tests/barrier/check.sh     make check calls it
# Tries gcc, clang, and clang for arm64 from another machine, as far as they are there. Prints a line per check and, as
# its last line, "N passed, N failed"; status 77 when there was nothing to try.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
mutants="1 2 3 4 5 6 7"

# Instructions of the function from its entry to its return, with no branch taken, one on a line. Reads a disassembly
# or assembly.
fast_path() {
  awk '
    /^[0-9a-f]* *<?store>?:/ {inside = 1; next}
    !inside {next}
    {
      sub(/^ *[0-9a-f]+:[ \t]*/, "")
      sub(/[ \t]*(\/\/|# ).*/, "")
      gsub(/[ \t]+/, " ")
      sub(/^ /, "")
    }
    /^$/ || /^\./ || /^[A-Za-z0-9_.]*:/ || /^[0-9a-f]*: R_/ {next}
    /^ret/ {exit}
    {print}
  '
}

# What each instruction is to the store, sorted into one line. Left out is what belongs to the function: its stack frame,
# moves between registers, addresses.
kinds_x86() {
  awk '
    /^(endbr64|nop|push|pop|xchg %ax,%ax)/ || /,%rsp$/ || /\(%rsp\)/ {next}
    /^lea/ || /^mov[a-z]* [^(]*$/ {next}
    /^movzw[a-z]* .*\),%/ {print "log"; next}
    /^mov[a-z]* .*\),%/ {print "load"; next}
    /^mov[a-z]* .*\)$/ {print "store"; next}
    /^cmp[a-z]* .*\(/ {print "compare"; next}
    /^(jne|je) / {print "branch"; next}
    {print "other:" $1}
  ' | sort | paste -sd' '
}
kinds_arm64() {
  awk '
    /^(nop|hint|bti|paciasp|autiasp)/ || /\[sp/ || /, sp(,|$)/ || /^(add|sub) sp,/ {next}
    /^(mov|add) [wx][0-9]+, [wx][0-9]+(, #[0-9a-fx]+)?$/ {next}
    /^ldrh / {print "log"; next}
    /^ldr / {print "load"; next}
    /^(stlr|str|strh) / {print "store"; next}
    /^cmp / {print "compare"; next}
    /^(b\.ne|b\.eq|cbz|cbnz) / {print "branch"; next}
    {print "other:" $1}
  ' | sort | paste -sd' '
}

# kinds MACHINE MUTANT COMMAND...: what a compiler makes of the function.
kinds() {
  local machine=$1 mutant=$2
  shift 2
  "$@" "-DMUTANT=$mutant" -std=gnu11 -O2 -I"$top/include" "$top/tests/barrier/store.c" -o "$work/out" || return 1
  if [ "$(head -c 4 "$work/out" | tail -c 3)" = ELF ]; then
    objdump -d --no-show-raw-insn "$work/out" >"$work/text" || return 1
  else
    mv "$work/out" "$work/text"
  fi
  fast_path <"$work/text" | "kinds_$machine"
}

declare -A expected=([x86]="branch compare log store" [arm64]="branch compare load log store")

# try LABEL MACHINE COMMAND...: the function itself, and that each mutant is seen.
try() {
  local label=$1 machine=$2 wanted=${expected[$2]} found mutant
  shift 2
  for mutant in 0 $mutants; do
    if ! found=$(kinds "$machine" "$mutant" "$@" 2>"$work/errors"); then
      echo "FAILED $label, mutant $mutant: not compiled"
      head -n 5 "$work/errors"
      failed=$((failed + 1))
    elif [ "$mutant" = 0 ] && [ "$found" != "$wanted" ]; then
      echo "FAILED $label: the fast path of lull_store is \"$found\" instead of \"$wanted\":"
      fast_path <"$work/text" | sed 's/^/       /'
      failed=$((failed + 1))
    elif [ "$mutant" != 0 ] && [ "$found" = "$wanted" ]; then
      echo "FAILED $label: mutant $mutant passes"
      failed=$((failed + 1))
    else
      passed=$((passed + 1))
    fi
  done
  echo "tried  $label: lull_store, mutants $mutants"
}

# The machine that a compiler makes code for, as the names above; empty for one that is not known here.
machine_of() {
  case $("$1" -dumpmachine) in
  x86_64-*) echo x86 ;;
  aarch64-*) echo arm64 ;;
  esac
}

for compiler in gcc clang; do
  if ! command -v "$compiler" >/dev/null || ! command -v objdump >/dev/null; then
    echo "skipped: $compiler, or objdump, is not installed"
  elif [ -z "$(machine_of "$compiler")" ]; then
    echo "skipped: $compiler makes code for $("$compiler" -dumpmachine), of which nothing is known here"
  else
    try "$compiler, $(machine_of "$compiler")" "$(machine_of "$compiler")" "$compiler" -c
  fi
done

# Freestanding, so that no C library for that machine is needed.
arm64=(clang --target=aarch64-linux-gnu -ffreestanding -S)
if [ "$(machine_of gcc 2>/dev/null)" = arm64 ]; then
  echo "skipped: clang for arm64 from another machine; this is one"
elif echo 'int x;' | "${arm64[@]}" -x c - -o "$work/out" 2>/dev/null; then
  try "clang, arm64 from this machine" arm64 "${arm64[@]}"
else
  echo "skipped: there is no clang that makes code for arm64"
fi

[ $((passed + failed)) -gt 0 ] || exit 77
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
