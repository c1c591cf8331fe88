# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 360
# Budgets of a session met for real: processor time, memory, tasks, descriptors,
# the private temp root. What holds is asked of the kernel or seen in what the
# session could not do; what was told is read on its terminal and in its record.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

dead() { [ ! -d "/proc/$1" ]; }
# record_of LEAF: the report of the session that had it.
record_of() { echo "/var/lib/bvisor/sessions/${1##*/session-}.json"; }
# finding RECORD DIMENSION: what the report says of a budget.
finding() {
	python3 - "$1" "$2" <<'END' 2>&1 || true
import json, sys
with open(sys.argv[1]) as f:
    report = json.load(f)
row = [b for b in report["budgets"] if b["dimension"] == sys.argv[2]][0]
print(row["finding"])
END
}
# used RECORD DIMENSION: a number, or "None".
used() {
	python3 - "$1" "$2" <<'END' 2>&1 || true
import json, sys
with open(sys.argv[1]) as f:
    report = json.load(f)
row = [b for b in report["budgets"] if b["dimension"] == sys.argv[2]][0]
print(row["used"])
END
}
# newest_record: of alice's last session, once all are over. The list is read to its
# end: who writes to somebody that has left fails, and with it the whole line.
newest_record() {
	wait_for 30 all_over || true
	# shellcheck disable=SC2012,SC2046 # names of hexadecimal digits
	grep -ls '"alice"' $(ls -t /var/lib/bvisor/sessions/*.json) | sed -n 1p || true
}
# alone: what is closing yet would seal its record after the next one is opened.
alone() { wait_for 30 all_over || true; }
sealed() { grep -q '"closed"' "$1"; }

if wanted cpu; then
	policy_student 'processes = 64' 'cpu = 4s mediated evidence=resource-usage'
	# shellcheck disable=SC2016 # the remote shell's own $$
	# Not by ssh_as: it would end after a minute what nothing else did.
	timeout 150 ssh "${SSH_OPTS[@]}" -T alice@127.0.0.1 \
		'echo $$; while :; do :; done' >"$BV_STATE/burn" 2>&1 &
	client=$!
	wait_for 30 grep -q '^[0-9]' "$BV_STATE/burn" || true
	pid=$(head -n 1 "$BV_STATE/burn")
	leaf=$(leaf_of "$pid" || true)
	unharmed cpu 'a busy loop is ended' wait_for 60 dead "$pid"
	kill "$client" 2>/dev/null || true
	wait "$client" || true
	if [ -z "$BV_ONLY" ]; then
		record=$(record_of "$leaf")
		wait_for 30 sealed "$record" || true
		is "$(finding "$record" cpu)" exceeded-within-overshoot \
			'the report says by how much: within what was stated'
		at_least "$(used "$record" cpu)" 4000000 'and the measured use'
		contains "$(cat "$record")" 'the cpu budget is used up' \
			'with its reason'
		run bvisorctl why "${leaf##*/session-}"
		is "$status" 1 'bvisorctl why knows'
		contains "$out" "raise '[budget] cpu' in policies/student.conf" \
			'and says what to change'
	fi
fi

if wanted memory; then
	alone
	policy_student
	run ssh_as alice \
		'python3 -c "b = b\"x\" * (700 << 20); print(len(b))"; sleep 1'
	unharmed memory 'no more than 512 MiB' test "$out" != 734003200
	if [ -z "$BV_ONLY" ]; then
		isnt "$status" 0 'the session ends with it'
		record=$(newest_record)
		wait_for 30 sealed "$record" || true
		is "$(finding "$record" memory)" limit-reached-enforced \
			'the report says so'
		at_most "$(used "$record" memory)" $((512 << 20)) \
			'its peak is not above the limit'
		contains "$(cat "$record")" 'over its memory limit' \
			'and its reason is that'
	fi
fi

if wanted handles; then
	policy_student 'processes = 64' 'handles = 64 mediated'
	run ssh_as alice 'ulimit -n 1024 2>/dev/null && echo raised
		python3 -c "
import os
n = 0
try:
    while n < 2000:
        n = os.dup(0)
except OSError as e:
    print(\"stopped\", e.errno)
print(\"highest\", n)"'
	unharmed handles 'no descriptor above the limit' \
		test "$(sed -n 's/^highest //p' <<<"$out")" -lt 64
	if [ -z "$BV_ONLY" ]; then
		contains "$out" 'stopped 24' 'it is EMFILE'
		lacks "$out" raised 'the user cannot raise it'
		hold files alice
		is "$(awk '/^Max open files/ { print $4, $5 }' "/proc/${HELD[files]}/limits")" \
			'64 64' 'the kernel shows it from outside'
		release files
	fi
fi

if [ -z "$BV_ONLY" ]; then
	alone
	policy_student 'processes = 64'
	# It stays until it was told, and for a moment in which it is not told again.
	run terminal -t 90 'wait:process limit 64 reached' sleep:2 'send:\n' -- \
		ssh "${SSH_OPTS[@]}" -tt alice@127.0.0.1 \
		"$ATTACKS/attack-task LIMIT=64 fork; read -r _"
	contains "$out" 'pam_bvisor: process limit 64 reached' \
		'the user reads it on the terminal'
	is "$(grep -c 'process limit 64 reached' <<<"$out")" 1 'once'
	record=$(newest_record)
	wait_for 30 sealed "$record" || true
	contains "$(cat "$record")" process_limit_reached 'one event in the report'
	is "$(finding "$record" processes)" limit-reached-enforced 'and its finding'

	policy_student 'processes = 64' 'wall = 20s'
	run ssh_tty alice 'sleep 40'
	matches "$out" 'pam_bvisor: [0-9]+ s left of this session' \
		'a warning before the wall budget ends it'
	isnt "$status" 0 'then it ends'
fi

# busy_share PID: percent of one processor that its leaf uses, over some seconds.
busy_share() {
	local leaf from used
	leaf=$(leaf_of "$1")
	used=$(awk '$1 == "usage_usec" { print $2 }' "$leaf/cpu.stat")
	from=$(date +%s%N)
	sleep 4
	used=$(($(awk '$1 == "usage_usec" { print $2 }' "$leaf/cpu.stat") - used))
	echo $((used * 100000 / ($(date +%s%N) - from)))
}
if wanted cpu-rate; then
	policy_student 'processes = 64' 'cpu = 1h mediated' 'cpu_rate = 20%'
	# shellcheck disable=SC2016 # the remote shell's own $$
	# With a fifth of a processor the login itself takes long.
	timeout 150 ssh "${SSH_OPTS[@]}" -T alice@127.0.0.1 \
		'echo $$; while :; do :; done & while :; do :; done' \
		>"$BV_STATE/burn" 2>&1 &
	client=$!
	wait_for 90 grep -q '^[0-9]' "$BV_STATE/burn" || true
	pid=$(head -n 1 "$BV_STATE/burn")
	share=$(busy_share "$pid") || share=none
	unharmed cpu-rate 'two busy loops have a fifth of one processor' \
		test "$share" -lt 60
	if [ -z "$BV_ONLY" ]; then
		leaf=$(leaf_of "$pid")
		is "$(cat "$leaf/cpu.max")" '20000 100000' 'the rate stands in the leaf'
		at_least "$(awk '$1 == "nr_throttled" { print $2 }' "$leaf/cpu.stat")" 1 \
			'and the kernel held them back'
	fi
	# the loops never end by themselves, and the client is not the session
	leaf=$(leaf_of "$pid") && echo 1 >"$leaf/cgroup.kill"
	wait "$client" || true
fi

if wanted storage; then
	alone
	policy_student 'processes = 64' 'storage = 4M evidence=resource-usage'
	run ssh_as alice 'head -c 3M /dev/zero >/tmp/a && echo three
		head -c 3M /dev/zero >/tmp/b || echo full'
	if [[ $out == *three* ]]; then
		unharmed storage 'above its size nothing fits' \
			grep -qx full <<<"$out"
	else
		untried storage 'above its size nothing fits' 'below it neither'
	fi
fi
if [ -z "$BV_ONLY" ]; then
	record=$(newest_record)
	wait_for 30 sealed "$record" || true
	at_least "$(used "$record" storage)" $((3 << 20)) 'what was used is measured'
	at_most "$(used "$record" storage)" $((4 << 20)) 'and within the size'
	policy_student
	run ssh_as alice 'echo fine'
	is "$status:$out" 0:fine 'afterwards a session works'
fi
