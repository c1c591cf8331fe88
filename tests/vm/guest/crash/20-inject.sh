# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 900
# System calls of guardian and module failed once: every 40th site (make check-crash
# tries all of them on its own kernel).
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/crash/crash.inc"
need_bvisor
crash test_inject 40
