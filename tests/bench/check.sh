#!/usr/bin/env bash
# The tests of bench/harness, for `make check`. Where there is no Python 3 they are skipped (77).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
# Debian's own comes first, as in ./run bench.
python=python3
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
  echo "skipped: no Python 3.9 or later"
  exit 77
fi
failed=0
for test in "$here"/test_*.py; do
  "$python" -B "$test" || failed=1
done
exit "$failed"
