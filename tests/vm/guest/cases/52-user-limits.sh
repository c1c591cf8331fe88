# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# Limits over all sessions of a user: two sessions share one count, another user
# has its own, and a user at the limit still gets in.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd
policy_student 'processes = 40' 'user_processes = 50' 'user_memory = 768M'

hold one alice
leaf=$(leaf_of "${HELD[one]}")
node=${leaf%/session-*}
if [ -z "$BV_ONLY" ]; then
	is "${node##*/}" "user-$(id -u alice)" 'the leaf stands in the node of its user'
	is "$(cat "$node/pids.max" 2>&1)" 50 'which has the limit'
	is "$(cat "$node/memory.max" 2>&1)" $((768 << 20)) 'and that of memory'
	is "$(cat "$leaf/pids.max" 2>&1)" 40 'the leaf has its own'
	hold other bob
	isnt "$(leaf_of "${HELD[other]}" | sed 's,/session-.*,,')" "$node" \
		'another user has another node'
	release other
fi

# One session takes 30 tasks and keeps them, the next one as many as it can get. Not
# by ssh_as: it would be ended after a minute, whatever is going on then.
# shellcheck disable=SC2016 # for the remote shell
timeout 300 ssh -T alice@127.0.0.1 'for i in $(seq 30); do sleep 1009 & done; wait' \
	>"$BV_STATE/burden" 2>&1 &
burden=$!
has_many() { [ "$(cat "$node/pids.current")" -ge 33 ]; }
wait_for 60 has_many || note "pids.current $(cat "$node/pids.current" 2>&1)"
tries alice attack-task LIMIT=50 fork
if wanted together; then
	peak=$(cat "$node/pids.peak" 2>/dev/null || cat "$node/pids.current")
	unharmed together 'both sessions never held more than 50 tasks' \
		test "$peak" -le 50
	matches "${VERDICT[fork]:-}" '^stopped' 'the second one was stopped'
fi

if [ -z "$BV_ONLY" ]; then
	# Up to the limit, by sessions that are there already.
	# shellcheck disable=SC2016
	timeout 300 ssh -T alice@127.0.0.1 'for i in $(seq 38); do sleep 1009 & done; wait' \
		>>"$BV_STATE/burden" 2>&1 &
	more=$!
	is_full() { [ "$(cat "$node/pids.current")" -ge 46 ]; }
	ok 'the user is at the limit' wait_for 60 is_full
	run ssh_as alice 'cat /proc/self/cgroup; ls /usr >/dev/null && echo works'
	contains "$out" "user-$(id -u alice)-reserve/session-" \
		'the next login is in the reserve'
	contains "$out" works 'and can work'
	is "$(cat "$node/pids.max")" 50 'the limit stands'
	kill "$more" 2>/dev/null || true
	wait "$more" || true
fi
kill "$burden" 2>/dev/null || true
wait "$burden" || true
release one
if [ -z "$BV_ONLY" ]; then
	node_gone() { [ ! -e "$node" ] && [ ! -e "$node-reserve" ]; }
	ok 'with the last session its nodes go' wait_for 30 node_gone
	assert_no_leftovers 'nothing is left of the sessions'
fi
