# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# Commands with their exact arguments, streams and status; a terminal with job
# control.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd

# --- commands

mux_open alice
# shellcheck disable=SC2016 # for the remote shell
run ssh_as alice 'printf "<%s>" "a  b" "\$x" "" "*" '\''q"q'\'' "tab	tab"'
is "$status:$out" "0:<a  b><\$x><><*><q\"q><tab	tab>" 'arguments arrive exactly'
for want in 0 1 42 254; do
	run ssh_as alice "exit $want"
	is "$status" "$want" "exit status $want comes back"
done
run ssh_as alice 'kill -TERM $$'
isnt "$status" 0 'death by a signal is no success'
run ssh_as alice true
is "$out$err" '' 'stdout and stderr are silent'
run ssh_as alice 'echo to-out; echo to-err >&2'
is "$out:$err" to-out:to-err 'the streams stay apart'
head -c 200000 /dev/urandom >"$BV_STATE/blob"
is "$(ssh_as alice cat <"$BV_STATE/blob" | sha256sum)" \
	"$(sha256sum <"$BV_STATE/blob")" 'stdin and stdout carry bytes as they are'
# shellcheck disable=SC2016
run ssh_as alice 'sleep 60 & kill $! && wait $!; echo $?'
is "$out" 143 'a process can signal its own child'
# shellcheck disable=SC2016
run ssh_as alice 'python3 -c "
import subprocess, threading, multiprocessing as m
t = threading.Thread(target=lambda: None); t.start(); t.join()
print(subprocess.run([\"echo\", \"sub\"], capture_output=True, text=True).stdout.strip())"'
is "$out" sub 'threads and subprocesses work'
run ssh_as alice 'f=$(mktemp) && echo x >"$f" && mktemp -d >/dev/null && echo fine'
is "$out" fine 'temporary files can be made'
mux_close alice

# --- a terminal

run ssh_tty alice 'tty; stty size; exit 9'
is "$status" 9 'the status comes back from a terminal'
matches "$out" '/dev/pts/[0-9]+' 'which is a pty'

run terminal -t 100 'wait:[$] $' 'send:export PS1=@@; set -m\n' 'wait:@@$' \
	'send:sleep 321\n' "until:$(in_front 'sleep 321')" 'send:\x1a' \
	'wait:Stopped.*sleep 321' 'wait:@@$' \
	'send:jobs\n' 'wait:Stopped' 'wait:@@$' \
	'send:fg\n' 'wait:sleep 321' "until:$(in_front 'sleep 321')" \
	'send:\x03' 'wait:@@$' \
	'send:echo status=$?\n' 'wait:status=130' 'wait:@@$' \
	'send:sleep 322 &\n' 'wait:@@$' 'send:kill %1; wait %1; echo gone=$?\n' \
	'wait:gone=143' 'wait:@@$' \
	'send:exit 3\n' -- ssh -tt alice@127.0.0.1
is "$status" 3 'Ctrl-Z, jobs, fg, Ctrl-C, kill %1 and the exit status work'
lacks "$out" 'no job control' 'bash has job control'
run terminal -t 60 'wait:[$] $' 'send:tmux -V && tmux new -d && tmux ls\n' \
	'wait:1 windows' 'send:exit 0\n' -- ssh -tt alice@127.0.0.1
is "$status" 0 'tmux starts a server of its own'
