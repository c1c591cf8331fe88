#!/bin/bash
# SPDX-License-Identifier: MIT
# Each cell of the support matrix that claims something has its tests.
build=${1:-build/release}
make -s "$build/tests/matrix/cells" O="$build" >&2 || exit 1
exec tests/matrix/check "$build" --tap
