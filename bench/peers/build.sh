#!/usr/bin/env bash
# Builds the workloads in other languages, as far as those are installed:
#   build.sh [java|go|ocaml]... FOLDER
# into FOLDER/java/*.class, FOLDER/go/NAME, FOLDER/ocaml/NAME. Without languages: all. Says what is
# skipped, and why; status 1 if something that is installed does not compile. What is newer than its
# sources is not built again. Needs no network; writes only to FOLDER.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
failed=0

refuse() {
  echo "build.sh: $*" >&2
  exit 2
}

# at_least VERSION LEAST: compares dotted numbers.
at_least() {
  [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# lacks COMMAND LEAST: says so and returns 0 if there is no such command, or only an older version;
# its version is read from standard input.
lacks() {
  local version
  if ! command -v "$1" >/dev/null; then
    echo "skipped: $1 is not installed"
    return 0
  fi
  version=$(grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1)
  at_least "${version:-0}" "$2" && return 1
  echo "skipped: $1 has version ${version:-unknown}, needed is $2"
}

# current LANGUAGE: whether it was built from the sources as they are.
current() {
  [ -e "$dest/$1/built" ] &&
    [ -z "$(find "$here/$1" "$here/build.sh" -newer "$dest/$1/built" -print -quit)" ]
}

build_java() {
  lacks javac 17 < <(javac -version 2>&1) && return
  current java && return
  rm -rf "$dest/java" && mkdir -p "$dest/java" &&
    javac --release 17 -Xlint:all -d "$dest/java" "$here"/java/*.java && touch "$dest/java/built"
}

# Its caches are ours, so that the caller's home is neither needed nor changed.
build_go() {
  local programs=(alloc binarytrees cache churn documents gcbench pusher tree)
  lacks go 1.19 < <(go version 2>&1) && return
  current go && return
  mkdir -p "$dest/go" && cd "$here/go" &&
    GOCACHE=$dest/go/.cache GOPATH=$dest/go/.path GO111MODULE=on GOFLAGS=-mod=mod GOPROXY=off \
      GOTOOLCHAIN=local CGO_ENABLED=0 \
      go build -buildvcs=false -trimpath -o "$dest/go/" "${programs[@]/#/./}" &&
    touch "$dest/go/built"
}

# Compiles beside copies, for the compiler writes where the sources are. The common modules are in
# the order of their dependencies.
build_ocaml() {
  local programs=(alloc binarytrees cache churn documents gcbench pusher tree) name
  local common=(clock check arguments splitmix histogram pauses proc recorder measure crew)
  local json=(json json_writer json_parser document_maker)
  local flags=(-w +a-4-9-40-42-44-45-70 -inline 100 -I +threads) units
  lacks ocamlopt 4.13 < <(ocamlopt -version 2>&1) && return
  current ocaml && return
  [ -d "$(ocamlopt -where)/unix" ] && flags+=(-I +unix)
  rm -rf "$dest/ocaml" && mkdir -p "$dest/ocaml/.objects" && cd "$dest/ocaml/.objects" &&
    cp "$here"/ocaml/*.ml "$here"/ocaml/*.c . &&
    ocamlopt "${flags[@]}" -c clock_stubs.c "${common[@]/%/.ml}" "${json[@]/%/.ml}" || return
  for name in "${programs[@]}"; do
    units=("${common[@]/%/.cmx}")
    [ "$name" = documents ] && units+=("${json[@]/%/.cmx}")
    ocamlopt "${flags[@]}" unix.cmxa threads.cmxa clock_stubs.o "${units[@]}" "$name.ml" \
      -o "../$name" || return
  done
  touch ../built
}

build() {
  case $1 in
  java) build_java ;;
  go) build_go ;;
  ocaml) build_ocaml ;;
  esac
}

[ $# -gt 0 ] || refuse "usage: build.sh [java|go|ocaml]... FOLDER"
languages=("${@:1:$#-1}")
[ ${#languages[@]} -gt 0 ] || languages=(java go ocaml)
for language in "${languages[@]}"; do
  [[ " java go ocaml " == *" $language "* ]] || refuse "'$language' is no language: java, go, ocaml"
done
dest=${!#}
[[ " java go ocaml " != *" $dest "* ]] || refuse "which folder? (./$dest, if it is that one)"
mkdir -p "$dest" && dest=$(cd "$dest" && pwd) || exit 1
for language in "${languages[@]}"; do
  # In a subshell, for they change the folder.
  if ! (build "$language"); then
    echo "FAILED: $language does not compile" >&2
    failed=1
  fi
done
exit "$failed"
