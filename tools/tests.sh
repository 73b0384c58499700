#!/usr/bin/env bash
# All tests: first those that can share the machine, two at a time; then those that need it alone, because they hold a worker to its
# seconds. Ends with the counts of both.   usage: tools/tests.sh VENV_BIN [pytest arguments]
set -u
cd "$(dirname "$0")/.."
bin=$1
shift
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0
"$bin/pytest" -n 2 -m "not alone" --junitxml "$out/shared.xml" "$@" || status=$?
"$bin/pytest" -m alone --junitxml "$out/alone.xml" "$@" || { code=$?; [ $code -eq 5 ] || status=$code; } # 5: none was chosen
"$bin/python" tools/counts.py "$out"/*.xml
[ "$status" -eq 5 ] && status=0
exit "$status"
