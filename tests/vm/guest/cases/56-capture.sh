# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 360
# Recorded streams through sshd, su and login: what the client sees is what came,
# the recording on the disk gives it back, and nobody goes on without.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
CAPTURES=/var/lib/bvisor/captures
back() {
	usermod -s /bin/bash alice
	_mux_close_all
}
trap back EXIT
rm -rf "$CAPTURES"
usermod -s /usr/bin/bvisor-shell alice
pam_enable sshd
pam_enable su
pam_enable login
policy_student 'processes = 64' '[session]' 'capture = output' \
	'[evidence]' 'require = captured-streams CaptureStreams'
dead() { [ ! -d "/proc/$1" ]; }
died() { [ -n "$1" ] && dead "$1"; }
# newest: the id of the session that was recorded last.
newest() {
	# shellcheck disable=SC2012 # names of hexadecimal digits
	ls -t "$CAPTURES" 2>/dev/null | sed -n 1p
}
# again NUMBER [SESSION]: that recording of it, as it went out.
again() { bvisorctl replay "${2:-$(newest)}" "$1"; }
ended() { [ "$(bvisorctl replay "$(newest)" --json | grep -o '"number"' | wc -l)" -ge "$1" ]; }
not_past() { [[ $1 != *PAST-42* ]]; }
# Through no pipe: grep leaves at the first line that it wants.
says() { grep -q "$2" <<<"$(again "$1")"; }

if [ -z "$BV_ONLY" ]; then
	journal_mark
	head -c 200000 /dev/urandom >"$BV_STATE/blob"
	mux_open alice
	status=0
	ssh_as alice 'cat; echo to-the-errors >&2; exit 7' <"$BV_STATE/blob" \
		>"$BV_STATE/got" 2>"$BV_STATE/error" || status=$?
	is "$status" 7 'a command: its status comes back'
	ok 'and what went in and out, byte by byte' \
		cmp "$BV_STATE/blob" "$BV_STATE/got"
	is "$(cat "$BV_STATE/error")" to-the-errors 'its errors apart'
	ok 'its recording is there' wait_for 30 ended 1
	again 1 >"$BV_STATE/again"
	ok 'and is the same, byte by byte' cmp "$BV_STATE/blob" "$BV_STATE/again"
	is "$(bvisorctl replay "$(newest)" 1 --stream error)" to-the-errors \
		'with the errors'
	is "$(bvisorctl replay "$(newest)" 1 --stream input)" '' \
		'and without the input, which was not asked for'
	run timeout 60 scp -o ControlPath="$BV_STATE/mux.%r" "${SSH_OPTS[@]}" -q \
		"$BV_STATE/blob" alice@127.0.0.1:blob
	is "$status" 0 'scp works'
	ok 'byte by byte' cmp "$BV_STATE/blob" /home/alice/blob
	mux_close alice

	run terminal -t 120 'wait:[$] $' 'send:stty size; shopt -q login_shell; echo login=$?\n' \
		'wait:login=0' 'wait:[$] $' 'send:sleep 412\n' \
		"until:$(in_front 'sleep 412')" 'send:\x1a' 'wait:Stopped' 'wait:[$] $' \
		'send:fg\n' "until:$(in_front 'sleep 412')" 'send:\x03' 'wait:[$] $' \
		'send:stty -echo; echo secret; read x; stty echo\n' 'wait:[\r\n]secret\r' \
		'send:never-shown\n' 'wait:[$] $' 'send:exit 3\n' -- \
		ssh "${SSH_OPTS[@]}" -tt alice@127.0.0.1
	is "$status" 3 'a terminal has a login shell with job control'
	contains "$out" 'This session is recorded.' 'its user is told'
	assert_no_leftovers 'the sessions are gone'
	session=$(newest)
	ok 'the terminal is in its recording' says 1 Stopped
	not_ok 'not what was typed without echo' says 1 never-shown
	contains "$(head -n 1 "$CAPTURES/$session/1.cast")" '{"version": 2, ' \
		'which is an asciicast'
	contains "$(bvisorctl replay "$session")" 'as sealed in its report' \
		'sealed by the report of the session'
	sha=$(sha256sum <"$CAPTURES/$session/1.cast")
	ok 'which names it too' grep -q "${sha%% *}" "/var/lib/bvisor/sessions/$session.json"
	sed -i 's/"o", "./&~/' "$CAPTURES/$session/1.cast"
	not_ok 'a byte of it is changed' \
		test "$sha" = "$(sha256sum <"$CAPTURES/$session/1.cast")"
	not_ok 'one that was touched is not shown' again 1 "$session"
	is "$(stat -c '%U %a' "$CAPTURES" "$CAPTURES/$session" "$CAPTURES/$session/1.cast" | tr '\n' ' ')" \
		'root 700 root 700 root 600 ' 'they are root'\''s alone'

	run terminal -t 60 'wait:[$] $' 'send:id -un; stty size\n' 'wait:alice' \
		'wait:[$] $' 'send:exit 4\n' -- su - alice
	is "$status" 4 'su: a terminal that is somebody else'\''s'
	ok 'is recorded' wait_for 30 says 1 alice
	run login_as alice tty
	is "$status" 0 'login: a terminal of its own'
	contains "$out" 'This session is recorded.' 'whose user is told'
	is "$(journal_since -p err -t bvisor-helper)" '' \
		'the guardians have nothing to complain of'
fi

# --- past the recorder

if wanted unrecorded; then
	# shellcheck disable=SC2016 # for the remote shell
	run ssh_as alice 'echo marker-$((6 * 7))'
	is "$out" marker-42 'a command runs'
	unharmed unrecorded 'what it printed is in its recording' \
		wait_for 30 says 1 marker-42
fi

if wanted old-terminal; then
	# shellcheck disable=SC2016 # for the remote shell
	run terminal -t 60 'wait:[$] $' \
		'send:for t in /dev/pts/[0-9]*; do [ -O $t ] && [ $t != $(tty) ] && echo PAST-$((6 * 7)) >$t; done; echo tried\n' \
		'wait:[\r\n]tried' 'send:exit 0\n' -- ssh "${SSH_OPTS[@]}" -tt alice@127.0.0.1
	contains "$out" tried 'the terminals of alice were written to'
	unharmed old-terminal 'that of the login shows nothing past the recorder' \
		not_past "$out"
fi

if wanted on-its-own; then
	wait_for 30 all_over || true # one recorder there is then
	# shellcheck disable=SC2016
	ssh_as alice 'trap "" HUP PIPE; echo $$; exec sleep 413' \
		>"$BV_STATE/alone" 2>&1 &
	client=$!
	wait_for 30 grep -q '^[0-9]' "$BV_STATE/alone" || true
	pid=$(head -n 1 "$BV_STATE/alone")
	recorder=$(pgrep -x bvisor-record | head -n 1)
	[ -z "$recorder" ] || kill -KILL "$recorder"
	unharmed on-its-own 'what nobody records any more is ended' \
		wait_for 30 dead "$pid"
	wait "$client" || true
	pkill -KILL -fx 'sleep 413' || true
fi

if wanted orphan; then
	wait_for 30 all_over || true
	# shellcheck disable=SC2016
	ssh_as alice 'echo $$; exec sleep 414' >"$BV_STATE/orphan" 2>&1 &
	client=$!
	wait_for 30 grep -q '^[0-9]' "$BV_STATE/orphan" || true
	recorder=$(pgrep -x bvisor-record | head -n 1)
	# shellcheck disable=SC2046 # words
	kill -KILL $(supervisors) || true
	unharmed orphan 'a recorder does not outlive its guardian' \
		wait_for 30 died "$recorder"
	[ -z "$recorder" ] || kill -KILL "$recorder" 2>/dev/null || true
	pkill -KILL -fx 'sleep 414' || true
	wait "$client" || true
	rm -f /run/bvisor/swept
	run ssh_as alice 'echo again'
	is "$status:$out" 0:again 'the next login sweeps what is left, and works'
fi
