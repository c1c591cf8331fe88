# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# The demonstration, for a host whose own kernel cannot give it. Its lines are
# marked, so that tests/demo finds them again.
. "$BV_GUEST/lib.sh"
need_bvisor
status=0
"$BV_GUEST/../../demo-session" "$BV_GUEST/../../../build/release" 2>&1 |
	sed -u 's/^/# > /' || status=$?
is "$status" 0 'the demonstration ran to its end'
