# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# Three channels on one connection are one session: one leaf, one guardian.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd

mux_open alice
for name in one two three; do
	hold "$name" alice -o ControlPath="$BV_STATE/mux.%r"
	assert_confined "${HELD[$name]}" "channel $name is inside"
done
leaf=$(leaf_of "${HELD[one]}")
is "$(leaf_of "${HELD[two]}"):$(leaf_of "${HELD[three]}")" "$leaf:$leaf" \
	'the three are in one leaf'
is "$(leaves | wc -l)" 1 'there is no other'
ok 'one guardian watches them' wait_for 30 guarded_by 1
guarded_by 1 || note "$(ps -o pid,ppid,stat,etimes,wchan:20,args -p "$(guardians | paste -sd,)")"
pid=${HELD[two]}
release two
ok 'one channel ends' wait_for 30 test ! -e "/proc/$pid"
assert_confined "${HELD[one]}" 'the others go on, inside'
assert_confined "${HELD[three]}" 'both of them'
run ssh_as alice 'echo new'
is "$status:$out" 0:new 'a new channel opens'
release one
release three
ok 'the leaf stays while the connection does' test -d "$leaf"
mux_close alice
ok 'and goes with it' wait_for 30 test ! -d "$leaf"
