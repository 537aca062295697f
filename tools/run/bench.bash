# bench.bash: `./run bench`: builds what is to be measured and hands over to bench/harness.
# Sourced by ./run.
# shellcheck shell=bash

# Debian's own Python comes first: its packages, matplotlib among them, belong to it.
bench_python() {
  local python=python3
  [ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
  "$python" -B bench/harness/main.py "$@"
}

# has WORD ARGUMENT...: whether the word is one of the arguments.
has() {
  local word=$1 argument
  shift
  for argument in "$@"; do [ "$argument" != "$word" ] || return 0; done
  return 1
}

# The peers' packages and matplotlib, those that are missing. What cannot be had is left out of the
# measuring, with a line that says so.
install_peers() {
  local list
  local -a packages
  list=$(bench_python --missing-packages) || die "bench/harness does not run"
  [ -n "$list" ] || return 0
  mapfile -t packages <<<"$list"
  command -v apt-get >/dev/null ||
    die "--install works on Debian-like systems; these are missing (names of Debian packages): ${packages[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || sudo -v || die "these packages are missing: ${packages[*]}. sudo refused."
  fi
  step "install ${#packages[@]} packages for bench" install_packages "${packages[@]}" ||
    die "apt-get could not install: ${packages[*]}"
}

make_bench_programs() {
  make -C build/release -j"$JOBS" bench-programs
}

# The same workloads in other languages, where there is a compiler. None of them is needed.
build_peers() {
  local language compiler
  for language in java:javac go:go ocaml:ocamlopt; do
    compiler=${language#*:} language=${language%%:*}
    if command -v "$compiler" >/dev/null; then
      step "build peers in $language" bench/peers/build.sh "$language" build/release/bench/peers ||
        say "the peers in $language are left out"
    else
      say "skipped: peers in $language, no $compiler"
    fi
  done
}

command_bench() {
  TOOLS_BUILD="$TOOLS_BUILD python3:python3"
  command -v python3 >/dev/null || set_up
  if has --help "$@" || has -h "$@" || has --update-readme "$@" || has --list "$@"; then
    bench_python "$@"
    return
  fi
  # What is wrong with the arguments is said before anything is built.
  bench_python "$@" --list >/dev/null || exit
  set_up
  if has --install "$@"; then install_peers; fi
  build release || exit 1
  work "build bench-programs" make_bench_programs || exit 1
  build_peers
  bench_python "$@"
}
