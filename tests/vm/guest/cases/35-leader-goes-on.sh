# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# A leader that turns to the login manager is moved back to where it came from,
# because its close has begun. One that goes on instead is taken into the leaf
# again, with what it started meanwhile.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine su
said=$BV_STATE/goes-on
rm -f "$said" "$said".*
mkfifo "$said"
sleep 1000 >"$said" &
holder=$!
journal_mark
"$ATTACKS/pam-client" su bob 1 bus <"$said" >"$said.out" 2>"$said.err" &
client=$!
ok 'the leader turns to the bus' wait_for 60 grep -q '^later' "$said.out"
note "$(cat "$said.out" "$said.err")"
read -r _ leader first < <(grep '^open' "$said.out")
read -r _ later < <(grep '^later' "$said.out")
in_leaf() { leaf_of "$1"; }
ok 'what it started is in the leaf soon' wait_for 30 in_leaf "$later"
ok 'so is the leader' wait_for 30 in_leaf "$leader"
is "$(leaf_of "$later")" "$(leaf_of "$first")" 'in the very same'
assert_confined "$later" 'under limit and filter'
ok 'and the log says so' \
	wait_for 30 log_has 'goes on: back into the leaf' -t bvisor-helper
kill "$holder"
wait "$client" || true
ok 'the process is ended with the session' wait_for 30 test ! -e "/proc/$later"
