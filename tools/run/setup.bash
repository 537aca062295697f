# setup.bash: finds what is missing on this machine and installs it with apt-get.
# Sourced by ./run.
# shellcheck shell=bash

# What each command of ./run needs: a command or a pkg-config module, and its Debian package.
TOOLS_BUILD='autoconf:autoconf automake:automake libtoolize:libtool pkg-config:pkg-config make:make gcc:gcc'
MODULES_BUILD='liburcu-bp:liburcu-dev ck:libck-dev'
TOOLS_CHECK='g++:g++ nm:binutils spin:spin xz:xz-utils patch:patch'
MODULES_CHECK='check:check'

# A compiler without the C library's headers is no compiler.
compiles() {
  printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
    gcc -x c - -o /dev/null 2>/dev/null
}

# missing_packages TOOLS MODULES: prints the packages that are to be installed.
missing_packages() {
  local entry
  for entry in $1; do
    command -v "${entry%%:*}" >/dev/null || echo "${entry#*:}"
  done
  compiles || printf 'gcc\nlibc6-dev\n'
  for entry in $2; do
    pkg-config --exists "${entry%%:*}" 2>/dev/null || echo "${entry#*:}"
  done
}

install_packages() {
  local -a as_root=() # command prefix
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# set_up [check]: everything for building, with `check` for testing too.
set_up() {
  local tools=$TOOLS_BUILD modules=$MODULES_BUILD list
  local -a packages
  if [ "${1:-}" = check ]; then
    tools="$tools $TOOLS_CHECK" modules="$modules $MODULES_CHECK"
  fi
  list=$(missing_packages "$tools" "$modules" | sort -u)
  [ -n "$list" ] || return 0
  mapfile -t packages <<<"$list"
  command -v apt-get >/dev/null ||
    die "these are missing (names of Debian packages): ${packages[*]}. This is not a Debian-like system; install them its way and call again."
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      die "these packages are missing: ${packages[*]}. Not root and no sudo: have them installed and call again."
    # Asks for the password here, where there is a terminal; the installation itself cannot.
    sudo -n true 2>/dev/null || sudo -v || die "these packages are missing: ${packages[*]}. sudo refused: have them installed and call again."
  fi
  step "install ${#packages[@]} packages" install_packages "${packages[@]}" ||
    die "apt-get could not install: ${packages[*]}"
  list=$(missing_packages "$tools" "$modules" | sort -u | tr '\n' ' ')
  [ -z "$list" ] || die "installed, and still not usable: $list"
}
