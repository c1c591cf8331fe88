# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 600
# Sessions with random kills beside a holder.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/crash/crash.inc"
need_bvisor
crash test_many 200
