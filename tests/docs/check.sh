#!/usr/bin/env bash
# Checks the documents against the sources and the built programs: the README's example, links between pages, manual
# pages and the functions and options that they describe, and the tags that the design pages cite.
# (The code of doc/guide.md is a program of its own, tests/docs/guide.)
#   usage: tests/docs/check.sh     in the build directory; make check calls it
# Prints a line per check and, as its last line, "N passed, N failed".
# shellcheck disable=SC2016  # backquotes are Markdown here
set -uo pipefail
build=$PWD
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
pages=(README.md bench/README.md doc/*.md doc/design/*.md)

# try NAME COMMAND...: one check; its output appears only if it fails.
try() {
  local label=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok     $label"
  else
    failed=$((failed + 1))
    echo "FAILED $label"
    head -n 20 "$work/out" | sed 's/^/       /'
  fi
}

# The first C block of the README is the first example, to the letter.
readme_example() {
  awk '/^```c$/ {on = 1; next} /^```/ && on {exit} on' README.md | diff - examples/first/first.c
}

# Where a heading's link leads: lower case, spaces as hyphens, no punctuation.
anchors() {
  sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9_\n-'
}

# Relative links lead to files, and to headings in them.
links() {
  local page link file anchor bad=0
  for page in "${pages[@]}"; do
    while IFS= read -r link; do
      case $link in http*) continue ;; esac
      file=${link%%#*} anchor=${link#"${link%%#*}"}
      [ -n "$file" ] && file=$(dirname "$page")/$file || file=$page
      [ -e "$file" ] || { echo "$page: $link: no such file"; bad=1; continue; }
      [ -z "$anchor" ] || anchors "$file" | grep -qx -- "${anchor#\#}" ||
        { echo "$page: $link: no such heading"; bad=1; }
    done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//')
  done
  return $bad
}

# Paths that the pages name in backquotes exist.
named_files() {
  local page file place bad=0
  for page in "${pages[@]}"; do
    while IFS= read -r file; do
      for place in . lib; do [ -e "$place/$file" ] && continue 2; done
      echo "$page: $file: no such file"
      bad=1
    done < <(sed '/^```/,/^```/d' "$page" |
      grep -oE '`(include|lib|threads|tests|stress|bench|examples|tools|m4|doc|heap|mark|cycle|roots|verify|observe|support)/[a-zA-Z0-9_./-]*`' |
      tr -d '`' | sort -u)
  done
  return $bad
}

lint() {
  local page bad=0
  for page in doc/man/*; do
    if command -v mandoc >/dev/null; then mandoc -T lint -W warning "$page" || bad=1; fi
    if command -v man >/dev/null; then
      LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>"$work/warnings" >/dev/null || bad=1
      if [ -s "$work/warnings" ]; then cat "$work/warnings"; bad=1; fi
    fi
  done
  return $bad
}

# The functions that a header declares and that a page's synopsis has, with their parameters: "name: type a, type b".
declared() {
  tr '\n' ' ' <"$1" | sed 's/LULL_API\|static inline/\n&/g' |
    sed -n 's/^\(LULL_API\|static inline\)[^(;{=]*\b\(lull_[a-z_0-9]*\)(\([^)]*\)).*/\2: \3/p' | tr -s ' ' | sort -u
}
described() {
  sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Fn \(lull_[a-z_0-9]*\) \(.*\)/\1 \2/p' "$1" | sed '/^[a-z_]*_fn /d; s/ "/, "/g; s/^\([a-z_0-9]*\), /\1: /; s/ void$/: void/; s/"//g' |
    grep ': ' | sort -u
}

# Each page has all functions of its header and no other, with the same parameters, in SYNOPSIS and NAME.
functions() {
  local header page name bad=0
  for header in include/lull/*.h; do
    page=doc/man/lull_$(basename "$header" .h).3
    declared "$header" >"$work/declared"
    described "$page" >"$work/described"
    diff "$work/declared" "$work/described" >"$work/diff" || { echo "$header and $page:"; cat "$work/diff"; bad=1; }
    while IFS= read -r name; do
      grep -qE "^\.Nm $name( |\$)" "$page" || { echo "$page: NAME lacks $name"; bad=1; }
    done < <(sed 's/:.*//' "$work/declared")
  done
  return $bad
}

# The list of options is what the library prints.
options() {
  LULL_OPTIONS=help "$build/examples/first/first" 2>&1 >/dev/null | tools/option-rows >"$work/rows"
  [ -s "$work/rows" ] || { echo "LULL_OPTIONS=help printed no option"; return 1; }
  sed -n '/begin: tools\/option-rows/,/end: tools\/option-rows/p' doc/man/lull_options.7 | sed '1d;$d' | diff - "$work/rows"
}

# A tag that a page cites is stated in a source, a model or another place of the pages.
tags() {
  local page tag bad=0
  grep -rhoE '\b[A-Z]\.[0-9]+\b' include lib threads tests --include='*.[ch]' --include='*.pml' | sort -u >"$work/tags"
  grep -hoE '^- \*\*[A-Z]\.[0-9]+' "${pages[@]}" | sed 's/.*\*//' | sort -u >>"$work/tags"
  for page in "${pages[@]}"; do
    while IFS= read -r tag; do
      grep -qx "$tag" "$work/tags" || { echo "$page: $tag is stated nowhere"; bad=1; }
    done < <(grep -oE '\b[A-Z]\.[0-9]+\b' "$page" | sort -u)
  done
  return $bad
}

# Mutants that a page cites with their model exist there.
mutants() {
  local page model number bad=0
  for page in "${pages[@]}"; do
    while read -r model number; do
      [ -f "tests/models/$model" ] || { echo "$page: there is no model $model"; bad=1; continue; }
      grep -qE "^ +\*? +$number +|^ \* +$number " "tests/models/$model" || { echo "$page: $model has no mutant $number"; bad=1; }
    done < <(grep -oE '[a-z]+\.pml, mutants? [0-9]+' "$page" | sed 's/,.* / /')
  done
  return $bad
}

try "README: the first example" readme_example
try "links" links
try "names of files" named_files
try "manual pages: form" lint
try "manual pages: functions" functions
try "manual pages: options" options
try "tags" tags
try "mutants" mutants
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
