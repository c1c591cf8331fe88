#!/bin/bash
# SPDX-License-Identifier: MIT
# The log on its way to another machine, over a wire between two network
# namespaces: a real rsyslog that has the shipped example sends it as RFC 5424
# messages to a second one, and a real journald's fields go to a real
# systemd-journal-remote. What arrives is held against the journal's rows, which
# sqlite reads. A real sshd makes the sessions. Speaks TAP. BV_BUILD (or $1) names
# the build folder.
set -u
cd "$(dirname "$0")/../.." || exit 1
pam_lines() { # pam_lines MODULE
	printf '%s required %s\n' account "$1" session "$1" >>/etc/pam.d/sshd
}
if [ -z "${BV_LOG_WIRE:-}" ] && [ "$(id -u)" = 0 ]; then
	export BV_LOG_WIRE=1
	exec unshare -n "$PWD/tests/live/log.sh" "$@"
fi
ip link set lo up 2>/dev/null
. tests/live/sshd-stage.inc
systemd=/lib/systemd
for tool in /usr/sbin/rsyslogd $systemd/systemd-journald $systemd/systemd-journal-remote \
	$systemd/systemd-journal-upload; do
	[ -x "$tool" ] || skip_all "no $tool (make deps)"
done
for tool in ip jq python3 journalctl logger setpriv; do
	command -v $tool >/dev/null || skip_all "no $tool (make deps)"
done

# --- two machines ----------------------------------------------------------------
machine_b='' running=()
wire_down() {
	disown -a # their ends are nothing to tell
	[ ${#running[@]} -eq 0 ] || kill -KILL "${running[@]}" 2>/dev/null
	stop
}
trap wire_down EXIT
unshare -n sleep 1000 &
machine_b=$!
running+=("$machine_b")
other_net() { [ "$(readlink /proc/$machine_b/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
until_true other_net
on_b() { nsenter -t "$machine_b" -n "$@"; }
ip link add wire-a type veth peer name wire-b netns "$machine_b" 2>"$work/ip.err" ||
	skip_all "no veth between two network namespaces: $(head -n 1 "$work/ip.err")"
ip addr add 192.0.2.1/24 dev wire-a
ip link set wire-a up
on_b ip addr add 192.0.2.2/24 dev wire-b
on_b ip link set wire-b up
on_b ip link set lo up
listens() { on_b ss -Hltn "sport = :$1" | grep -q LISTEN; }

# B: what its rsyslog's own parsers make of a message, as JSON.
mkdir -m 0700 "$work/b" "$work/b/state" "$work/a" /run/bvisor /run/bvisor/log
chmod 0755 /run/bvisor
cat >"$work/b/rsyslog.conf" <<CONF
global(workDirectory="$work/b/state" maxMessageSize="64k")
module(load="imtcp")
module(load="mmpstrucdata")
input(type="imtcp" port="6514")
template(name="seen" type="list") {
	constant(value="{") property(name="hostname" format="jsonf")
	constant(value=",") property(name="app-name" format="jsonf")
	constant(value=",") property(name="procid" format="jsonf")
	constant(value=",") property(name="pri" format="jsonf")
	constant(value=",") property(name="timereported" dateFormat="rfc3339" format="jsonf")
	constant(value=",") property(name="structured-data" format="jsonf")
	constant(value=",\"sd\":") property(name="\$!rfc5424-sd")
	constant(value=",") property(name="msg" format="jsonf")
	constant(value="}\n")
}
action(type="mmpstrucdata")
if \$structured-data == "-" then set \$!rfc5424-sd!none = "-";
action(type="omfile" file="$work/b/log" template="seen")
CONF
nsenter -t "$machine_b" -n /usr/sbin/rsyslogd -n -f "$work/b/rsyslog.conf" -i "$work/b/pid" 2>"$work/b/err" &
running+=($!)
nsenter -t "$machine_b" -n $systemd/systemd-journal-remote --listen-http=19532 --split-mode=none \
	-o "$work/b/remote.journal" \
	2>"$work/b/remote.err" &
running+=($!)

# A: the example as it is shipped, but for where it sends to; a journald.
{
	printf 'global(workDirectory="%s" maxMessageSize="64k")\n' "$work/a"
	echo 'module(load="imuxsock" SysSock.Use="off")'
	sed 's/loghost\.example\.org/192.0.2.2/' etc/rsyslog.conf
} >"$work/a/rsyslog.conf"
start_a() {
	/usr/sbin/rsyslogd -n -f "$work/a/rsyslog.conf" -i "$work/a/pid" 2>>"$work/a/err" &
	rsyslog_a=$!
	running+=("$rsyslog_a")
}
mkdir -p /run/systemd/journal
$systemd/systemd-journald 2>"$work/journald.err" &
running+=($!)
socket=/run/bvisor/log/rsyslog
until_true listens 6514
ok "B's rsyslog listens" $? "$(cat "$work/b/err")"
until_true listens 19532
ok "B's systemd-journal-remote listens" $? "$(cat "$work/b/remote.err")"
until_true test -S /run/systemd/journal/socket
ok "A's journald listens" $? "$(cat "$work/journald.err")"
start_a
until_true test -S $socket
ok "A's rsyslog listens where the example says" $? "$(cat "$work/a/err")"
echo "syslog_socket = $socket" >>/etc/bvisor/bvisor.conf
printf 'bvisor-policy 1\n[match]\nuser = bvs-limit\n[filesystem]\nbase = system\nwrite = ~\n[budget]\ncpu = 10m enforced\n' \
	>/etc/bvisor/policies/limit.conf

# --- sessions --------------------------------------------------------------------
is 'control: the unconfined log in' "$(login bvs-free 'echo in')" in
for i in 1 2 3; do
	login bvs-conf "echo in >~/in$i" 2>>"$work/ssh.err" &
	logins[i]=$!
done
wait "${logins[@]}"
is 'three confined sessions at once' "$(cat /home/bvs-conf/in? | xargs)" 'in in in'
login bvs-limit 'echo in >~/in' 2>>"$work/ssh.err"
[ ! -e /home/bvs-limit/in ]
ok 'and one that is refused' $?
settled
ok 'all of them are over' $? "$(settled)"

# The rows, without our help: "KIND SESSION SEQ:HASH".
cat >"$work/rows" <<'PY'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(
        "SELECT kind, session, seq, hash FROM event ORDER BY seq"):
    print(row[0], row[1], "%d:%s" % (row[2], row[3].hex()))
PY
rows() { python3 "$work/rows" $state/journal.db; }
rows >"$work/a/rows"
cp "$work/a/rows" "$work/said"
is 'the journal has three starts' "$(grep -c '^started ' "$work/a/rows")" 3
is 'three reports' "$(grep -c '^report ' "$work/a/rows")" 3
refusals=$(grep -c '^refusal ' "$work/a/rows")
[ "$refusals" -ge 1 ]
ok 'and the refusal' $? "$(cat "$work/a/rows")"

# --- rsyslog ---------------------------------------------------------------------
seen() { jq -c --arg s "$1" 'select(.sd["bvisor@32473"].session == $s)' "$work/b/log"; }
heads() { jq -r '.sd["bvisor@32473"] | select(.journal != null) | .journal' "$work/b/log"; }
arrived() { # every row's head is there
	local head
	while read -r _ _ head; do heads | grep -qxF "$head" || return 1; done <"$work/a/rows"
}
until_true arrived
ok 'rsyslog: every row arrives at B by its number and hash' $? "$(heads | head -n 3)"
# What is said behind the last row takes its time too, on each of the two ways.
messages() { jq -r '.msg' "$work/b/log" | sed 's/^ //'; }
journal_a() { journalctl -q -D /run/log/journal "$@"; }
# Sessions that are open at once may come in another order on another way; the lines
# of one session may not.
by_session() { grep -o '^session=[0-9a-f]* .*' | sort -s -k 1,1; }
both_have_all() {
	messages >"$work/b/messages"
	journal_a -t bvisor-helper -o json >"$work/a/journal"
	[ "$(jq -r .MESSAGE "$work/a/journal" | by_session)" = "$(by_session <"$work/b/messages")" ]
}
until_true both_have_all
jq -e . "$work/b/log" >/dev/null
ok 'rsyslog: each message is whole' $?
is 'rsyslog: each is of this host, program and facility' \
	"$(jq -r '[.hostname, .["app-name"], (.pri | tonumber / 8 | floor | tostring)] | join(" ")' \
		"$work/b/log" | sort -u)" "$(hostname) bvisor-helper 10"
is 'rsyslog: none came twice' "$(sort "$work/b/log" | uniq -d)" ''
jq -r 'select(.sd["bvisor@32473"] == null) | .msg' "$work/b/log" >"$work/said"
is 'rsyslog: none is without structured data' "$(cat "$work/said")" ''

# one SESSION: started before its end, each once, and what they say is the rows'.
one() {
	local id=$1 got
	got=$(seen "$id" | jq -r '.sd["bvisor@32473"] |
		if .leaf then "started \(.journal) \(.leaf) \(.user)"
		elif .outcome then "report \(.journal) \(.outcome) \(.user)"
		else empty end')
	printf '%s\n' "$got" >"$work/said"
	[ "$got" = "started $(awk -v s="$id" '$1 == "started" && $2 == s { print $3 }' "$work/a/rows") session-$id bvs-conf
report $(awk -v s="$id" '$1 == "report" && $2 == s { print $3 }' "$work/a/rows") completed bvs-conf" ]
}
sessions=$(awk '$1 == "started" { print $2 }' "$work/a/rows")
i=0
for id in $sessions; do
	i=$((i + 1))
	one "$id"
	ok "rsyslog: session $i: its start and its report, once, in order" $? "$(cat "$work/said")"
done
id=$(awk '$1 == "refusal" { print $2; exit }' "$work/a/rows")
is 'rsyslog: the refusal: who, and by what' \
	"$(seen "$id" | jq -r '.sd["bvisor@32473"] | select(.verdict) | "\(.user) \(.verdict) \(.policy)"')" \
	'bvs-limit refused limit'
seen "$id" | jq -e '.sd["bvisor@32473"].reason | test("limit.conf:[0-9]+: .budget. cpu")' >/dev/null
ok 'rsyslog: and why, with file and line' $? "$(seen "$id")"

# What the fields say is what the line says.
jq -r '.sd["bvisor@32473"] | to_entries[0] | "\(.key)=\(.value) "' "$work/b/log" |
	paste -d '\n' - "$work/b/messages" |
	awk 'NR % 2 { word = $0; next } index($0, word) != 1 { print; bad = 1 } END { exit bad }' \
	>"$work/said"
ok 'rsyslog: the first field is the first word of its line' $? "$(cat "$work/said")"

# --- export ----------------------------------------------------------------------
"$build/bvisorctl" export >"$work/a/export"
is 'export: one line a row' "$(wc -l <"$work/a/export")" "$(wc -l <"$work/a/rows")"
while IFS= read -r line; do
	logger --rfc5424=notq -u $socket -t bvisor-export -S 65536 -- "$line"
done <"$work/a/export"
exported() { jq -r 'select(.["app-name"] == "bvisor-export") | .msg' "$work/b/log" | sed 's/^ //'; }
all_exported() { [ "$(exported | wc -l)" -ge "$(wc -l <"$work/a/export")" ]; }
until_true all_exported
exported >"$work/b/export"
cmp "$work/a/export" "$work/b/export" >"$work/said" 2>&1
ok 'export: JSON lines come out at B as they went in' $? "$(cat "$work/said")"
is 'export: where each parses, and its trace.id is the session of the log' \
	"$(jq -r '.trace.id' "$work/b/export" | sort -u)" \
	"$(awk '{ print $2 }' "$work/a/rows" | sort -u)"

# --- journald --------------------------------------------------------------------
journal_b() { journalctl -q --file "$work/b/remote.journal" "$@"; }
is 'journald: the same lines, those of each session in the same order' \
	"$(jq -r .MESSAGE "$work/a/journal" | by_session)" "$(by_session <"$work/b/messages")"
# Until it has sent what there is.
timeout 120 $systemd/systemd-journal-upload -u http://192.0.2.2 -D /run/log/journal \
	--save-state="$work/a/uploaded" --follow=no 2>"$work/upload.err"
ok 'journald: uploaded to B' $? "$(tail -n 3 "$work/upload.err")"
remote_has() { [ "$(journal_b -t bvisor-helper -o cat | wc -l)" -ge "$(wc -l <"$work/a/journal")" ]; }
until_true remote_has
is 'journal-remote: the same lines, in the same order' \
	"$(journal_b -t bvisor-helper -o cat)" "$(jq -r .MESSAGE "$work/a/journal")"
i=0
for id in $sessions; do
	i=$((i + 1))
	is "journal-remote: session $i is found at B by BVISOR_SESSION" \
		"$(journal_b -o json BVISOR_SESSION="$id" | jq -r '[.BVISOR_SESSION, .BVISOR_JOURNAL // "-", .BVISOR_OUTCOME // "-", ._UID] | join(" ")' | grep -vF ' - - ')" \
		"$(awk -v s="$id" '$2 == s { print s, $3, $1 == "report" ? "completed" : "-", 0 }' "$work/a/rows")"
done
id=$(awk '$1 == "refusal" { print $2; exit }' "$work/a/rows")
journal_b -o json BVISOR_SESSION="$id" BVISOR_VERDICT=refused |
	jq -e '.BVISOR_REASON | test("limit.conf:[0-9]+: .budget. cpu")' >/dev/null
ok 'journal-remote: the refusal with its reason' $?

# --- nobody else's ---------------------------------------------------------------
forge='session=00c0ffee00c0ffee user=root outcome=completed'
as_user() { setpriv --reuid 64800 --regid 64800 --clear-groups "$@"; }
chmod 0711 /run/bvisor/log
as_user logger -u $socket --rfc5424 "control $forge" 2>/dev/null
control() { grep -q "control $forge" "$work/b/log"; }
until_true control
ok 'control: where the directory lets them, a user writes to the socket' $?
chmod 0700 /run/bvisor/log
as_user logger -u $socket --rfc5424 "forged $forge" 2>/dev/null
login bvs-conf "logger -u $socket --rfc5424 'forged $forge'; ls $socket" >/dev/null 2>&1
logger -u $socket --rfc5424 'after the forger'
after() { grep -q 'after the forger' "$work/b/log"; }
until_true after
ok 'messages still arrive' $?
is "a user's do not, from outside and inside a session" "$(grep -c "forged $forge" "$work/b/log")" 0

# --- when nobody takes it --------------------------------------------------------
kill -STOP "$rsyslog_a"
# Its queue is filled up: the next one waits.
until ! timeout 1 logger -u $socket --rfc5424 filler; do :; done
is 'a receiver that hangs stops no login' "$(login bvs-conf 'echo in')" in
kill -CONT "$rsyslog_a"
kill "$rsyslog_a"
wait "$rsyslog_a" 2>/dev/null
rm -f $socket
is 'nor one that is gone' "$(login bvs-conf 'echo in')" in
settled
id=$(rows | awk '$1 == "started" { id = $2 } END { print id }')
heads_a() { journal_a -o json BVISOR_SESSION="$id" | jq -r 'select(.BVISOR_JOURNAL) | .BVISOR_JOURNAL' | xargs; }
heads_of() { rows | awk -v s="$id" '$2 == s { print $3 }' | xargs; }
a_has_all() { [ "$(heads_a)" = "$(heads_of)" ]; }
until_true a_has_all
is 'and the journal of the machine has the lines all the same' "$(heads_a)" "$(heads_of)"
start_a
until_true test -S $socket
login bvs-conf true
settled
rows >"$work/a/rows.all"
id=$(awk '$1 == "started" { id = $2 } END { print id }' "$work/a/rows.all")
grep " $id " "$work/a/rows.all" >"$work/a/rows"
until_true arrived
ok 'back again, it gets them' $? "$(cat "$work/a/rows")"

echo "1..$n"
[ $bad -eq 0 ]
