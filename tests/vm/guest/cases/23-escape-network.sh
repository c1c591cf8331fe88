# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# No connection leaves under deny-all: by the user's own sockets, or by sshd's
# forwarding. The witness is a listener of the guest, and the guest's sockets.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

port=$((20000 + RANDOM % 10000)) name=bvisor-outside-$$ log=$BV_STATE/heard
rm -f "$log"
python3 "$BV_GUEST/tools/listener.py" "$port" "$name" "$log" >/dev/null 2>&1 &
listener=$!
trap 'kill $listener; _mux_close_all' EXIT
wait_for 60 grep -q ready "$log"
heard() { grep -c "^${1:-[tua]}" "$log" || true; }
forget() { sleep 0.3; echo ready >"$log"; }
silent() { sleep 0.5; [ "$(heard "${1:-}")" = 0 ]; }

mux_open alice
forget
# shellcheck disable=SC2086 # words
tries alice attack-net "PORT=$port NAME=$name" ${BV_ONLY:-all}
no='EPERM|EACCES|ENETUNREACH|ECONNREFUSED|EADDRNOTAVAIL|EAFNOSUPPORT'
stopped tcp4 "$no" 'a tcp connection'
stopped tcp6 "$no" 'a tcp connection over IPv6'
stopped mptcp "$no|EPROTONOSUPPORT" 'a multipath tcp connection'
stopped udp4 "$no" 'a datagram'
stopped udp6 "$no" 'a datagram over IPv6'
stopped listen "$no" 'listening'
stopped raw 'EPERM' 'a raw socket'
stopped packet EAFNOSUPPORT 'a packet socket'
stopped vsock EAFNOSUPPORT 'a socket to the hypervisor'
stopped alg EAFNOSUPPORT 'a socket to the crypto interface'
stopped netlink-diag 'EPERM' 'a netlink socket to socket diagnostics'
stopped netlink-uevent 'EPERM' 'a netlink socket to device events'
stopped abstract 'EPERM|ECONNREFUSED' 'an abstract socket outside'
stopped dbus-user 'ENOENT|EACCES|ECONNREFUSED' "the user's D-Bus"
stopped systemd-user 'ENOENT|EACCES|ECONNREFUSED' "the user's systemd"
stopped dbus-system 'ENOENT|EACCES|ECONNREFUSED' "the system's D-Bus"
[ -n "$BV_ONLY" ] || ok 'the listener heard nothing of it' silent

# forward USER KIND: have sshd connect (or listen) on the session's behalf.
control() { ssh -o ControlPath="$BV_STATE/mux.%r" "$@"; }
next=7100 bound='' answer=''
forward() {
	local user=$1 at=127.0.0.1 to=127.0.0.1:$port
	next=$((next + 1))
	bound=$next
	case $2 in
	L)
		run control -O forward -L "$at:$next:$to" "$user@$at"
		nc -w 10 "$at" "$next" </dev/null >/dev/null 2>&1 || true
		;;
	D)
		run control -O forward -D "$at:$next" "$user@$at"
		nc -w 10 -X 5 -x "$at:$next" "$at" "$port" </dev/null \
			>/dev/null 2>&1 || true
		;;
	W) run timeout 30 ssh -o ControlPath="$BV_STATE/mux.%r" -W "$to" "$user@$at" ;;
	R)
		run timeout 20 ssh -o ControlPath="$BV_STATE/mux.%r" -O forward \
			-R "$at:$next:$to" "$user@$at"
		;;
	R-unix)
		rm -f "$OUT/sock"
		run timeout 20 ssh -o ControlPath="$BV_STATE/mux.%r" -O forward \
			-R "$OUT/sock:$to" "$user@$at"
		;;
	L-dbus)
		run control -O forward -L "$at:$next:/run/dbus/system_bus_socket" \
			"$user@$at"
		answer=$(printf '\0AUTH EXTERNAL\r\n' | nc -w 10 "$at" "$next" |
			tr -d '\0' || true)
		;;
	esac
}
listens() { ss -Hltn "sport = :$1" | grep -q .; }
# Are the channels of that session alive? Only then was the attempt one.
alive() { [ "$(ssh_as "$1" 'echo alive' 2>/dev/null)" = alive ]; }
outside alice
chmod 0777 "$OUT"

for kind in L D W; do
	wanted "ssh-$kind" || continue
	forget
	forward alice "$kind"
	if alive alice; then
		unharmed "ssh-$kind" "ssh -$kind reaches nothing" silent tcp4
	else
		untried "ssh-$kind" "ssh -$kind reaches nothing" 'no session'
	fi
done
if wanted ssh-R; then
	forward alice R
	if alive alice; then
		unharmed ssh-R 'ssh -R opens no listening socket' \
			eval '! listens "$bound"'
	else
		untried ssh-R 'ssh -R opens no listening socket' 'no session'
	fi
fi
if wanted ssh-R-unix; then
	forward alice R-unix
	unharmed ssh-R-unix 'ssh -R makes no socket outside the roots' \
		absent "$OUT/sock"
fi
if wanted ssh-L-dbus; then
	forward alice L-dbus
	unharmed ssh-L-dbus "ssh -L reaches no D-Bus" \
		eval '[ -z "$answer" ]'
fi
mux_close alice
# Without a shell at all: ssh -N on a connection of its own.
if wanted ssh-N; then
	forget
	ssh -f -N -o ExitOnForwardFailure=yes -L "127.0.0.1:7190:127.0.0.1:$port" \
		-o ControlMaster=yes -o ControlPath="$BV_STATE/mux.n" \
		alice@127.0.0.1 2>/dev/null || true
	nc -w 10 127.0.0.1 7190 </dev/null >/dev/null 2>&1 || true
	if ssh -o ControlPath="$BV_STATE/mux.n" -O check alice@127.0.0.1 2>/dev/null
	then
		unharmed ssh-N 'ssh -N -L reaches nothing' silent tcp4
	else
		untried ssh-N 'ssh -N -L reaches nothing' 'no connection'
	fi
	ssh -o ControlPath="$BV_STATE/mux.n" -O exit alice@127.0.0.1 2>/dev/null || true
fi

if [ -z "$BV_ONLY" ]; then
	mux_open carol
	forget
	tries carol attack-net "PORT=$port NAME=$name" all
	all_through 'all of it works for an unconfined account' tcp4 tcp6 udp4 \
		udp6 listen abstract dbus-user systemd-user dbus-system
	for kind in tcp4 tcp6 udp4 udp6 abstract; do
		ok "the listener hears $kind" wait_for 30 grep -q "^$kind" "$log"
	done
	for kind in L D W; do
		forget
		forward carol "$kind"
		ok "so it does ssh -$kind" wait_for 30 grep -q tcp4 "$log"
	done
	forward carol R
	ok 'ssh -R listens' listens "$bound"
	forward carol R-unix
	ok 'on a path too' test -S "$OUT/sock"
	forward carol L-dbus
	matches "$answer" 'DATA|REJECTED|OK' 'and ssh -L reaches D-Bus'
	mux_close carol
fi
