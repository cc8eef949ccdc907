#!/usr/bin/env bash
# Every part of `make test`, to the end, whatever fails on the way. Make has set up the environment.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()
summary=()

# Two tests or kernels at a time: with two threads each, on two cores, they would wait for one
# another at every small operation and take up to ten times as long.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

part() {
  local name=$1 start=$SECONDS
  shift
  echo
  echo "== $name"
  if "$@"; then
    summary+=("passed  $name ($((SECONDS - start)) s)")
  else
    summary+=("FAILED  $name ($((SECONDS - start)) s): $*")
    failed+=("$name")
  fi
}

part "lint" ruff check .
part "format" ruff format --check .
part "book" "${MAKE:-make}" --no-print-directory book
part "unit tests, doctests, notebooks as files, site" \
  python -m pytest -n 2 --dist worksteal --doctest-modules gdutils tests
part "every chapter executed and compared" \
  python -m pytest -n 2 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout=300 \
  --nbval-sanitize-with=tests/sanitize.cfg chapters

echo
printf '%s\n' "${summary[@]}"
if [ ${#failed[@]} -gt 0 ]; then
  echo "make test: ${#failed[@]} of ${#summary[@]} parts failed." >&2
  exit 1
fi
echo "make test: all parts passed."
