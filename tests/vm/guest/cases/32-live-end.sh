# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# Ends of a live session other than a logout: its leader or its guardian killed,
# the wall budget, the administrator. Nothing is ever unconfined meanwhile.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd su
dead() { wait_for "${2:-30}" test ! -d "/proc/$1"; }
# leader_of PID: the topmost process of the leaf.
leader_of() {
	local walk=$1 parent leaf
	leaf=$(leaf_of "$1")
	while parent=$(status_field "$walk" PPid) &&
		[ "$(leaf_of "$parent" || true)" = "$leaf" ]; do
		walk=$parent
	done
	echo "$walk"
}

if wanted leader; then
	hold one alice
	pid=${HELD[one]} leaf=$(leaf_of "${HELD[one]}")
	kill -KILL "$(leader_of "$pid")"
	unharmed leader 'kill -9 of the leader ends its processes' dead "$pid"
	ok 'and removes the leaf' wait_for 30 test ! -d "$leaf"
	release one || true
	[ -n "$BV_ONLY" ] || assert_no_leftovers 'nothing is left (leader)'
fi

if [ -z "$BV_ONLY" ]; then
	hold two alice
	wait_for 30 guarded_by 1 || note "$(ps -o pid,ppid,stat,etimes,wchan:20,args -p "$(guardians | paste -sd,)")"
	pid=${HELD[two]} leaf=$(leaf_of "${HELD[two]}")
	# shellcheck disable=SC2046 # words
	kill -KILL $(supervisors)
	sleep 1
	if [ -d "/proc/$pid" ]; then
		assert_confined "$pid" 'kill -9 of the guardian leaves it confined'
		is "$(leaf_of "$pid")" "$leaf" 'in the same leaf'
	else
		pass 'kill -9 of the guardian ends the session'
	fi
	release two || true
	ok 'its processes end with the connection' dead "$pid"
	run ssh_as alice 'echo again'
	is "$status:$out" 0:again 'the next login works'
	assert_no_leftovers 'and what the dead guardian left is swept'

	hold three alice
	pid=${HELD[three]} leader=$(leader_of "${HELD[three]}")
	wait_for 30 guarded_by 1 || true
	guardian=$(supervisors)
	# shellcheck disable=SC2086 # words
	kill -STOP $guardian
	# shellcheck disable=SC2086 # words
	kill -KILL "$leader" $guardian
	release three || true
	run ssh_as alice 'echo again'
	is "$status:$out" 0:again 'guardian and leader killed: the next login works'
	ok 'no process of that session is left' dead "$pid"
	assert_no_leftovers 'nor anything else'
fi

if wanted wall; then
	# Long enough for a login to be there before it is over.
	policy_student 'processes = 64' 'wall = 20s'
	journal_mark
	hold four alice
	pid=${HELD[four]}
	unharmed wall 'the wall budget ends the session' dead "$pid" 60
	release four || true
	run su_as alice 'exec sleep 60'
	isnt "$status" 0 'through su as well'
	ok 'the log says so' wait_for 30 log_has 'wall budget' -t bvisor-helper
	policy_student
	# The list that follows is to have one session of alice.
	wait_for 30 all_over || true
fi

if [ -z "$BV_ONLY" ]; then
	hold five alice
	hold six bob
	pid=${HELD[five]}
	run bvisorctl ps
	is "$status" 0 'bvisorctl ps works'
	contains "$out" alice 'it lists alice'
	contains "$out" bob 'and bob'
	run bvisorctl ps --json
	id=$(python3 -c 'import json, sys
d = json.load(sys.stdin)
d = d.get("sessions", d) if isinstance(d, dict) else d
print([s["id"] if "id" in s else s["session"] for s in d if s["user"] == "alice"][0])' <<<"$out" 2>&1) || true
	matches "$id" '^[0-9a-f]{16}' 'ps --json names the session'
	run bvisorctl kill "$id"
	is "$status" 0 'bvisorctl kill works'
	ok 'and ends it' dead "$pid"
	assert_confined "${HELD[six]}" 'the other goes on'
	run ssh_as alice 'bvisorctl kill --all; bvisorctl ps'
	assert_confined "${HELD[six]}" 'a confined user ends nobody'
	release five || true
	release six
fi
