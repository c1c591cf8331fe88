# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# An allow list lets its peers through and nobody else, for the session's own
# sockets and for sshd's forwarding; a traffic budget stops at its byte. Two
# listeners of the guest are the witnesses: one is listed, the other is not.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

listed=$((20000 + RANDOM % 5000)) other=$((26000 + RANDOM % 5000))
listener=()
trap 'kill "${listener[@]}" 2>/dev/null; _mux_close_all' EXIT
for which in listed other; do
	log=$BV_STATE/$which
	rm -f "$log"
	python3 "$BV_GUEST/tools/listener.py" "${!which}" "bv-$which-$$" "$log" \
		>/dev/null 2>&1 &
	listener+=($!)
	wait_for 60 grep -q ready "$log"
done
heard() { grep -c "^${2:-[tua]}" "$BV_STATE/$1" || true; }
forget() { echo ready >"$BV_STATE/$1"; }
silent() { sleep 0.5; [ "$(heard "$@")" = 0 ]; }
# policy_network ACCESS [LINE...]: alice's, whose other lines are of [budget]
# from the first that is not an allow on.
policy_network() {
	{
		printf '%s\n' 'bvisor-policy 1' '[match]' 'group = students' \
			'[filesystem]' 'base = system' 'write = ~' '[network]' \
			"access = $1"
		shift
		printf '%s\n' "$@"
	} | set_policy student
}
record_of() { echo "/var/lib/bvisor/sessions/${1##*/session-}.json"; }
budget() {
	python3 - "$1" "$2" <<'END' 2>&1 || true
import json, sys
with open(sys.argv[1]) as f:
    report = json.load(f)
print([b for b in report["budgets"] if b["dimension"] == "network"][0][sys.argv[2]])
END
}
sealed() { grep -q '"closed"' "$1"; }

echo '127.0.0.1 listed.test' >>/etc/hosts
policy_network list "allow = tcp listed.test $listed" "allow = tcp ::1 $listed" \
	"allow = udp 127.0.0.0/30 $listed" "allow = udp ::1/128 $listed"
run bvisorctl explain alice
is "$status" 0 'the list can be enforced here'
contains "$out" "tcp 127.0.0.1 $listed" 'its name is pinned'

mux_open alice || {
	note "$(journalctl --no-pager -t bvisor-helper -n 20)"
	exit 1
}
leaf=$(ssh_as alice 'grep ^0:: /proc/self/cgroup')
no='EPERM|EACCES'
if [ -z "$BV_ONLY" ]; then
	tries alice attack-net "PORT=$listed" tcp4 tcp6 tcp-mapped fast-open udp4 \
		udp6 udp-mapped udp-connected
	all_through 'what is listed is reached' tcp4 tcp6 tcp-mapped fast-open udp4 \
		udp6 udp-mapped udp-connected
	for kind in tcp4 tcp6 udp4 udp6; do
		ok "and the listener hears $kind" wait_for 30 grep -q "$kind" "$BV_STATE/listed"
	done
fi
forget other
# shellcheck disable=SC2086 # words
tries alice attack-net "PORT=$other" ${BV_ONLY:-tcp4 tcp6 tcp-mapped fast-open udp4 \
	udp6 udp-mapped udp-connected mptcp serve raw packet netlink-diag}
stopped tcp4 "$no" 'a port that is not listed'
stopped tcp6 "$no" 'the same over IPv6'
stopped tcp-mapped "$no" 'the same from an IPv6 socket'
stopped fast-open "$no" 'the same by fast open'
stopped udp4 "$no" 'a datagram'
stopped udp6 "$no" 'a datagram over IPv6'
stopped udp-mapped "$no" 'a datagram from an IPv6 socket'
stopped udp-connected "$no" 'a datagram of a connected socket'
stopped mptcp "$no" 'a multipath tcp connection'
stopped serve "$no" 'a server at a port of its own'
stopped raw EPERM 'a raw socket'
stopped packet EAFNOSUPPORT 'a packet socket'
stopped netlink-diag EPERM 'a netlink socket to socket diagnostics'
[ -n "$BV_ONLY" ] || ok 'the other listener heard nothing of it' silent other

# ssh -L: sshd connects, from inside.
control() { ssh -o ControlPath="$BV_STATE/mux.%r" "$@"; }
alive() { [ "$(ssh_as alice 'echo alive' 2>/dev/null)" = alive ]; }
if wanted ssh-L; then
	forget other
	run control -O forward -L "127.0.0.1:7301:127.0.0.1:$other" alice@127.0.0.1
	nc -w 10 127.0.0.1 7301 </dev/null >/dev/null 2>&1 || true
	unharmed ssh-L 'ssh -L reaches nothing that is not listed' silent other tcp4
fi
if [ -z "$BV_ONLY" ]; then
	forget listed
	run control -O forward -L "127.0.0.1:7302:127.0.0.1:$listed" alice@127.0.0.1
	nc -w 10 127.0.0.1 7302 </dev/null >/dev/null 2>&1 || true
	ok 'ssh -L reaches what is' wait_for 30 grep -q tcp4 "$BV_STATE/listed"
	run timeout 20 ssh -o ControlPath="$BV_STATE/mux.%r" -O forward \
		-R "127.0.0.1:7303:127.0.0.1:$listed" alice@127.0.0.1
	not_ok 'ssh -R opens no listening socket' \
		eval 'ss -Hltn "sport = :7303" | grep -q .'
	ok 'and the session goes on' alive
fi
mux_close alice
if [ -z "$BV_ONLY" ]; then
	record=$(record_of "$leaf")
	wait_for 30 sealed "$record" || true
	contains "$(cat "$record")" attested_network_programs \
		'the report says that the kernel has the programs'
	note "$(journalctl --no-pager -t bvisor-helper | grep -o 'opened in .*' | tail -n 2)"
	# The control: unconfined, the other listener is reached.
	tried_by runuser -u carol -- "$ATTACKS/attack-net" "PORT=$other" tcp4 tcp6 udp4 \
		udp6 mptcp serve
	all_through 'an unconfined account reaches it' tcp4 tcp6 udp4 udp6 serve
	ok 'which the listener hears' wait_for 30 grep -q tcp4 "$BV_STATE/other"

	policy_network list 'allow = tcp nobody-has.invalid 443'
	run bvisorctl explain alice
	is "$status" 1 'a name that comes to nothing refuses'
	matches "$out" "student.conf:9: \[network\] allow: 'nobody-has.invalid'" \
		'with file and line'
fi

if wanted bytes; then
	policy_network open '[budget]' 'processes = 64' \
		'network = 100K evidence=resource-usage'
	forget listed
	# 300 datagrams of 1000 bytes, IP and UDP headers included.
	cat >"$BV_STATE/flood.py" <<END
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent = refused = 0
for i in range(300):
    try:
        s.sendto(b"x" * 972, ("127.0.0.1", $listed))
        sent += 1
    except OSError as e:
        refused += 1
    if i % 10 == 0:
        time.sleep(0.05)
print("sent", sent, "refused", refused)
sys.stdin.readline()
END
	chmod 0644 "$BV_STATE/flood.py"
	install -m 0644 "$BV_STATE/flood.py" ~alice/flood.py
	# It stays until its user was told; without the guard nobody is, and it is ended.
	run terminal -t 60 'wait:bytes reached' 'send:\n' -- \
		ssh "${SSH_OPTS[@]}" -tt alice@127.0.0.1 \
		'python3 ~/flood.py; echo still here'
	# shellcheck disable=SC2016 # for eval
	wait_for 30 eval '[ "$(heard listed udp4)" -ge 100 ]' || true
	sleep 0.5
	unharmed bytes 'no more than 100 KiB arrive' \
		test "$(heard listed udp4)" -le 102
	if [ -z "$BV_ONLY" ]; then
		contains "$out" 'sent 102 refused 198' 'the kernel counted them'
		at_least "$(heard listed udp4)" 90 'and those below the limit came through'
		contains "$out" 'still here' 'the login connection is not counted'
		contains "$out" 'pam_bvisor: network limit of 102400 bytes reached' \
			'the user is told'
		wait_for 30 all_over || true
		# shellcheck disable=SC2012 # names of hexadecimal digits
		record=$(ls -t /var/lib/bvisor/sessions/*.json | sed -n 1p)
		wait_for 30 sealed "$record" || true
		is "$(budget "$record" finding)" limit-reached-enforced \
			'the report says so'
		is "$(budget "$record" used)" 102000 'and what passed'
	fi
fi
