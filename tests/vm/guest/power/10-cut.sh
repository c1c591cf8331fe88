# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 400
# A machine that loses its power in the middle of logins (tests/vm/run --cuts N):
# booted to be cut it makes sessions until it is gone, each of which puts its id on
# the disk, for good. Booted for the last time it looks at what there is: whose id
# is on the disk has its start in the journal, the journal verifies, every session
# has come to its end, and logins go on.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
JOURNAL=/var/lib/bvisor/journal.db
MARKS=/home/alice/marks

# Said from within: the session's own cgroup is its name.
# shellcheck disable=SC2016 # the session's shell
MARK='id=$(sed -n "s/^0::.*session-//p" /proc/self/cgroup)
	echo >~/marks/$id && sync ~/marks/$id ~/marks'
log_in() { while :; do "$@" "$MARK" >/dev/null 2>&1 || true; done; }
marked() { [ "$(find $MARKS -type f | wc -l)" -ge "$1" ]; }

if grep -q bvisor.cut=1 /proc/cmdline; then
	# The lines are still there after the first cut.
	grep -q pam_bvisor /etc/pam.d/su || confine sshd su
	install -d -o alice -g alice $MARKS
	before=$(find $MARKS -type f | wc -l)
	hold lasting alice
	sync
	log_in su_as alice &
	log_in su_as alice &
	log_in ssh_as alice &
	wait_for 300 marked $((before + 6))
	note "ready for the cut, after $((before + 6)) sessions"
	sleep 3600
fi

if [ ! -d $MARKS ]; then
	skip_case 'no power was cut: tests/vm/run --cuts N'
fi
# query SQL: what the journal has, without our help.
query() {
	python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):
    print(*row)' $JOURNAL "$1"
}
cuts=$(sed -n 's/.*bvisor.cuts=\([0-9]*\).*/\1/p' /proc/cmdline)
ok 'the service is up' wait_for 60 systemctl is-active bvisor.service
run bvisorctl recover
is "$status" 0 'recovery has nothing it cannot do'
run bvisorctl verify
is "$status" 0 'the journal verifies'
query "SELECT session FROM event WHERE kind = 'started'" | sort >"$BV_STATE/started"
find $MARKS -type f -printf '%f\n' | sort >"$BV_STATE/marks"
note "$(wc -l <"$BV_STATE/marks") marks, $(wc -l <"$BV_STATE/started") starts"
is "$(comm -23 "$BV_STATE/marks" "$BV_STATE/started")" '' \
	'whoever got as far as to the disk has a start in the journal'
is "$(query "SELECT session FROM event WHERE session <> '' GROUP BY session
	HAVING sum(kind = 'started') > 1 OR (sum(kind = 'started') = 1
	AND sum(kind IN ('report', 'recovery')) = 0)")" '' 'every session has come to an end'
at_least "$(query "SELECT count(*) FROM event WHERE kind = 'recovery'
	AND CAST(bytes AS TEXT) LIKE '%rolled-back%'")" "$cuts" 'at each cut one was rolled back at least'
run ssh_as alice 'grep ^Seccomp: /proc/self/status'
matches "$out" 'Seccomp:.2' 'logins go on, confined'
run bvisorctl verify
is "$status" 0 'and the journal with them'
