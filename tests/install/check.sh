#!/usr/bin/env bash
# Uses the installed package as its users do: through pkg-config, shared and static,
# from C and C++17, with every compiler of gcc, g++, clang and clang++ that is present.
#   usage: tests/install/check.sh PREFIX     (where `make install` has put it)
# Prints a line per check and, as its last line, "N passed, N failed".
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
prefix=${1:?usage: check.sh PREFIX}
lib=$prefix/lib
export PKG_CONFIG_PATH=$lib/pkgconfig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try NAME COMMAND...: one check; its output appears only if it fails.
try() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $name"
  else
    failed=$((failed + 1))
    echo "FAILED $name"
    head -n 20 "$work/out" | sed 's/^/       /'
  fi
}

flags() { pkg-config "$@" lull; }
version=$(flags --modversion) || { echo "check.sh: $PKG_CONFIG_PATH has no lull.pc"; exit 1; }
strict=(-O2 -Wall -Wextra -Wpedantic -Werror)

# build_and_run COMPILER SOURCE LINK [FLAG...]: LINK is shared (liblull.so), archive (liblull.a,
# the rest shared) or static (everything).
build_and_run() {
  local program=$work/program compiler=$1 source=$2 link=$3 libs
  shift 3
  case $link in
    shared) libs="$(flags --libs) -Wl,-rpath,$lib" ;;
    archive) libs=$(flags --static --libs | sed 's/-llull\b/-l:liblull.a/') ;;
    static) libs="$(flags --static --libs) -static" ;;
  esac
  # shellcheck disable=SC2046,SC2086  # flags are lists
  "$compiler" "$@" "${strict[@]}" $(flags --cflags) "$source" -o "$program" $libs &&
    timeout 60 "$program" "$version"
}

# Each installed header compiles when it is the only one included.
header_alone() {
  local compiler=$1 language=$2 standard=$3 header
  for header in lull.h $(cd "$prefix/include" && echo lull/*.h); do
    # shellcheck disable=SC2046
    echo "#include <$header>" |
      "$compiler" -x "$language" "-std=$standard" "${strict[@]}" $(flags --cflags) -fsyntax-only - ||
      return 1
  done
}

exports_only_lull() {
  local names
  names=$(nm -D --defined-only "$lib/liblull.so" | awk '$2 != "A" {print $3}' | sed 's/@.*//') || return 1
  grep -qx lull_version <<<"$names" || { echo "lull_version is not exported"; return 1; }
  ! grep -v '^lull_' <<<"$names"
}

archive_names_prefixed() {
  local names
  names=$(nm -g --defined-only "$lib/liblull.a" | awk 'NF == 3 {print $3}') || return 1
  grep -qx lull_version <<<"$names" || { echo "lull_version is not in the archive"; return 1; }
  ! grep -v -E '^(lull|lu)_' <<<"$names"
}

# The public functions of the headers are all in the library.
declared_is_exported() {
  local name missing=0
  for name in $(cat "$prefix"/include/lull/*.h | tr '\n' ' ' | sed 's/LULL_API/\n&/g' |
    sed -n 's/^LULL_API[^(;]*\b\(lull_[a-z_0-9]*\)(.*/\1/p'); do
    nm -D --defined-only "$lib/liblull.so" | grep -q " ${name}@@" ||
      { echo "declared but not exported: $name"; missing=1; }
  done
  return $missing
}

# The first C example of the README, as a reader would copy it.
readme_example() {
  awk '/^```c$/ {on = 1; next} /^```/ && on {exit} on' "$top/README.md" >"$work/readme.c"
  [ -s "$work/readme.c" ] || { echo "README.md has no block that starts with \`\`\`c"; return 1; }
  build_and_run "$1" "$work/readme.c" "$2" -std=gnu11
}

try "only lull_* is exported" exports_only_lull
try "every name in liblull.a begins with lull_ or lu_" archive_names_prefixed
try "every declared function is exported" declared_is_exported
for compiler in gcc clang; do
  command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not installed"; continue; }
  try "$compiler: each header alone" header_alone "$compiler" c c11
  for link in shared archive static; do
    try "$compiler: C program, $link" build_and_run "$compiler" "$here/consumer.c" "$link" -std=c11
  done
  if [ -f "$top/README.md" ]; then
    try "$compiler: README example" readme_example "$compiler" shared
  else
    echo "skipped: README example, there is no README.md"
  fi
done
for compiler in g++ clang++; do
  command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not installed"; continue; }
  try "$compiler: each header alone" header_alone "$compiler" c++ c++17
  for link in shared archive static; do
    try "$compiler: C++17 program, $link" build_and_run "$compiler" "$here/consumer.cc" "$link" -std=c++17
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
