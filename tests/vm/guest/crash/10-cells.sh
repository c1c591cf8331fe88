# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 900
# Guardian, leader or both killed at every step of the schedule.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/crash/crash.inc"
need_bvisor
crash test_crash
