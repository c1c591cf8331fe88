# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# A process that does all it can to stay does not outlive the session.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd su login

gone() { wait_for 30 test ! -d "/proc/$1"; }
# outlive NAME DESC CMD...: CMD starts a daemon of alice and ends.
outlive() {
	local name=$1 desc=$2 pid=''
	shift 2
	wanted "$name" || return 0
	rm -f /home/alice/daemon.pid
	tried_by "$@"
	pid=$(cat /home/alice/daemon.pid 2>/dev/null || true)
	if [ "${VERDICT[daemon]:-}" != through ] || [ -z "$pid" ]; then
		untried "$name" "$desc" 'no daemon was started'
		return 0
	fi
	unharmed "$name" "$desc" gone "$pid"
	kill -KILL "$pid" 2>/dev/null || true
}
start="$ATTACKS/attack-task IN=/home/alice daemon"
outlive daemon 'a daemon started over ssh' ssh_as alice "$start"
outlive daemon-tty 'one started on a terminal' ssh_tty alice "$start"
outlive daemon-su 'one started through su' su_as alice "$start"
outlive daemon-login 'one started through login' login_as alice "$start"
if wanted tmux; then
	run ssh_as alice 'tmux new -d "exec sleep 1009" && tmux ls'
	contains "$out" windows 'tmux ran'
	unharmed tmux 'a tmux server' wait_for 30 sh -c '! pgrep -fx "sleep 1009"'
fi
# The connection is cut, nobody says goodbye.
if wanted cut; then
	rm -f /home/alice/daemon.pid
	ssh -T alice@127.0.0.1 "$start; exec sleep 1010" >/dev/null 2>&1 &
	client=$!
	disown "$client"
	wait_for 30 pgrep -fx 'sleep 1010' || true
	pid=$(cat /home/alice/daemon.pid 2>/dev/null || true)
	sshd=$(status_field "$(pgrep -fx 'sleep 1010')" PPid) || true
	if [ -z "$pid" ] || [ -z "$sshd" ]; then
		untried cut 'a daemon whose connection is cut' 'it was not started'
	else
		kill -KILL "$client" "$sshd" || true
		unharmed cut 'a daemon whose connection is cut' gone "$pid"
		kill -KILL "$pid" 2>/dev/null || true
	fi
fi

if [ -z "$BV_ONLY" ]; then
	tried_by ssh_as carol "$ATTACKS/attack-task IN=/home/carol daemon"
	pid=$(cat /home/carol/daemon.pid)
	sleep 2
	ok 'the daemon of an unconfined account stays' test -d "/proc/$pid"
	kill -KILL "$pid"
fi
