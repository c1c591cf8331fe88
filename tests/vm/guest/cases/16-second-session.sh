# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# Two sessions of one user, and one of another: each in a leaf of its own, and
# the end of one is not the end of the other.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd

hold one alice
hold two alice
hold other bob
for name in one two other; do
	assert_confined "${HELD[$name]}" "session $name is inside"
done
a=$(leaf_of "${HELD[one]}") b=$(leaf_of "${HELD[two]}") c=$(leaf_of "${HELD[other]}")
is "$(printf '%s\n' "$a" "$b" "$c" | sort -u | wc -l)" 3 'each in its own leaf'
ok 'each with its own guardian' wait_for 30 guarded_by 3
isnt "$(ns_of "${HELD[one]}" mnt)" "$(ns_of "${HELD[two]}" mnt)" \
	'two sessions of one user share no mounts'
pid=${HELD[one]}
release one
ok 'the first ends' wait_for 30 test ! -d "$a"
assert_confined "${HELD[two]}" 'the second goes on'
ok 'so does the other user' test -d "$c"
run ssh_as alice 'echo again'
is "$status:$out" 0:again 'and the user logs in again'
release two
release other
