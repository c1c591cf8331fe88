# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# The journal of real logins: started, refused, ended; a guardian that is killed
# and a service that is restarted under a living session; a journal that is gone.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd
STATE=/var/lib/bvisor
put_back() {
	[ ! -e $STATE/away.db ] || mv -f $STATE/away.db $STATE/journal.db
	systemctl start bvisor.service
}
trap 'put_back; _mux_close_all' EXIT
gone() { [ ! -d "$1" ]; }
# shown ID TEXT: bvisorctl show has that text by now.
shown() { bvisorctl show "$1" | grep -q -- "$2"; }
leader_of() {
	local walk=$1 parent leaf
	leaf=$(leaf_of "$1")
	while parent=$(status_field "$walk" PPid) &&
		[ "$(leaf_of "$parent" || true)" = "$leaf" ]; do
		walk=$parent
	done
	echo "$walk"
}

if [ -z "$BV_ONLY" ]; then
	set_policy robot <<'END'
bvisor-policy 1
[policy]
action = refuse
[match]
user = robot
END
	journal_mark
	run ssh_as alice 'cut -d: -f3 /proc/self/cgroup | tail -n 1'
	id=${out##*/session-}
	run ssh_as robot 'echo in'
	isnt "$status" 0 'robot is refused'
	ok 'an end is written down' wait_for 30 shown "$id" '^report .*completed'
	run bvisorctl log --since 10min
	matches "$out" "$id +started +alice" 'log has the start'
	matches "$out" 'refusal +robot' 'and the refusal'
	wait_for 30 all_over || true
	run bvisorctl show "$id"
	contains "$out" 'report       sealed' 'show has the sealed report'
	run bvisorctl verify
	is "$status" 0 'verify finds the journal sound'
	run bvisorctl verify "$STATE/sessions/$id.json"
	is "$status" 0 'and the one report'
	journalctl --sync
	journalctl -q -t bvisor-helper -o cat >"$BV_STATE/heads"
	run bvisorctl verify --heads "$BV_STATE/heads"
	is "$status" 0 'it agrees with the heads in the log'
	at_least "$(journalctl -q -o cat BVISOR_SESSION="$id" | wc -l)" 2 \
		'journald finds the lines of a session by its field'
	run bvisorctl export --since 10min
	contains "$out" "\"trace\":{\"id\":\"$id\"}" 'export carries the id'

	hold one alice
	pid=${HELD[one]} leaf=$(leaf_of "${HELD[one]}")
	id=${leaf##*/session-}
	wait_for 30 guarded_by 1 || true
	# shellcheck disable=SC2046 # words
	kill -KILL $(supervisors)
	wait_for 30 guarded_by 0 || true
	run bvisorctl recover
	matches "$out" "$id +adopt" 'guardian killed: the session is adopted'
	assert_confined "$pid" 'and stays confined'
	systemctl restart bvisor.service >/dev/null 2>&1 || true
	assert_confined "$pid" 'also when the service is restarted'
	release one || true
	ok 'its end is found and written down' \
		wait_for 90 shown "$id" '^recovery .*rolled-back'
	ok 'its leaf is gone' wait_for 30 gone "$leaf"
	ok 'the service is up' wait_for 30 systemctl is-active bvisor.service
	run bvisorctl verify
	is "$status" 0 'and the journal is sound'
	[ "$status" = 0 ] || note "$out"
fi

if wanted orphan; then
	hold two alice
	pid=${HELD[two]} leaf=$(leaf_of "${HELD[two]}")
	leader=$(leader_of "$pid")
	wait_for 30 guarded_by 1 || true
	# shellcheck disable=SC2046 # words
	kill -STOP $(supervisors)
	# shellcheck disable=SC2046 # words
	kill -KILL "$leader" $(supervisors)
	systemctl stop bvisor.service
	systemctl reset-failed bvisor.service 2>/dev/null || true
	"$BV_HELPER" hold &
	holder=$!
	unharmed orphan 'guardian and leader killed: swept at the next look' \
		wait_for 30 gone "$leaf"
	kill "$holder" 2>/dev/null || true
	wait "$holder" 2>/dev/null || true
	release two || true
	if [ -n "$BV_ONLY" ]; then
		echo 1 >"$leaf/cgroup.kill" 2>/dev/null || true
		wait_for 5 rmdir "$leaf" || true
		rm -f "/run/bvisor/sessions/${leaf##*/session-}.json"
	fi
	systemctl start bvisor.service
fi

if wanted unrecorded; then
	ssh_as alice true || true
	# Its guardian has nothing more to write.
	wait_for 30 all_over || true
	mv $STATE/journal.db $STATE/away.db
	run ssh_as alice 'echo inside'
	if [[ $out == *inside* ]]; then
		fail 'unrecorded: no session that is not written down' \
			'THROUGH: a session was given'
	else
		pass 'unrecorded: no session that is not written down'
	fi
	if [ -z "$BV_ONLY" ]; then
		run ssh_as root 'echo root'
		is "$status:$out" 0:root 'root gets in without a journal'
		run bvisorctl verify
		is "$status" 1 'verify says that it is gone'
		contains "$out" journal-deleted 'by name'
	fi
	put_back
fi
if [ -z "$BV_ONLY" ]; then
	run ssh_as alice 'echo inside'
	is "$out" inside 'with the journal back: in'
	assert_no_leftovers
fi
