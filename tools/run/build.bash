# build.bash: the build kinds, each in build/<kind>.
#   release  -O2 -g, shared and static; `make install` goes to build/installed
#   debug    invariants checked at run time
#   asan     debug with AddressSanitizer and UndefinedBehaviorSanitizer
#   tsan     ThreadSanitizer
#   clang    release by clang
# Sourced by ./run.
# shellcheck shell=bash

INSTALLED=$TOP/build/installed
JOBS=${JOBS:-$(nproc)}

# Only the release build makes the static library too: elsewhere it would compile everything twice.
kind_flags() {
  case $1 in
    release) echo "--enable-werror --prefix=$INSTALLED" ;;
    debug) echo "--enable-werror --disable-static --enable-debug" ;;
    asan) echo "--enable-werror --disable-static --enable-debug --enable-sanitizer=address,undefined" ;;
    tsan) echo "--enable-werror --disable-static --enable-sanitizer=thread" ;;
    clang) echo "--enable-werror --disable-static CC=clang" ;;
    *) return 1 ;;
  esac
}

# The generated parts of the source folder; afterwards make keeps them up to date.
bootstrap() {
  local file
  for file in configure Makefile.in config.h.in build-aux/ltmain.sh; do
    [ -f $file ] || { autoreconf -fi; return; }
  done
}

# make_kind KIND: configures where the flags or the optional libraries are new, then builds.
# One at a time in a folder.
make_kind() (
  flags=$(kind_flags "$1") || exit 2
  made_with="$flags check $(pkg-config --modversion check 2>&1) gc $(pkg-config --modversion bdw-gc 2>&1)"
  mkdir -p "build/$1"
  exec 9>"build/$1/.lock"
  flock 9
  cd "build/$1" || exit 2
  if [ ! -f config.status ] || [ "$(cat .made-with 2>/dev/null)" != "$made_with" ]; then
    # shellcheck disable=SC2086  # flags are a list
    ../../configure --quiet $flags || exit 1
    echo "$made_with" >.made-with
  fi
  make -j"$JOBS" all 9>&-
)

# build KIND: as a step; returns 1 when it failed, which has then been counted.
build() {
  [ "$BOOTSTRAPPED" = yes ] || work "make configure" bootstrap || return 1
  BOOTSTRAPPED=yes
  work "build $1" make_kind "$1"
}
BOOTSTRAPPED=no

# under KIND COMMAND...: runs a program of that build. The sanitizers' runtimes of gcc 12 want less
# address randomisation than newer kernels give, and an allocation they cannot serve to be NULL.
under() {
  local kind=$1
  shift
  export TSAN_OPTIONS="suppressions=$TOP/tests/tsan.supp halt_on_error=1 second_deadlock_stack=1"
  export ASAN_OPTIONS="strict_string_checks=1 allocator_may_return_null=1"
  export UBSAN_OPTIONS="print_stacktrace=1"
  case $kind in
    asan | tsan) if setarch -R true 2>/dev/null; then set -- setarch -R "$@"; fi ;;
  esac
  "$@"
}
