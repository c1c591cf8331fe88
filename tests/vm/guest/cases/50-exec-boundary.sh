# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# bvisor-shell as the account's shell: exact environment with a secret,
# descriptors, no new tasks; commands, files and a terminal go on working.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
SHELL_PATH=/usr/bin/bvisor-shell
SECRETS=/etc/bvisor/secrets
KEYS=/home/bob/.ssh/authorized_keys
cp -p "$KEYS" "$BV_STATE/bob.keys"
back() {
	usermod -s /bin/bash alice
	cp -p "$BV_STATE/bob.keys" "$KEYS"
	rm -rf "${SECRETS:?}"
	_mux_close_all
}
trap back EXIT
install -d -m 0700 "$SECRETS"
(umask 077 && echo 'the secret value' >"$SECRETS/token")

exact() {
	policy_student 'processes = 64' '[environment]' 'policy = exact' \
		'set = PATH=/usr/bin:/bin' 'set = MARK=exact value' \
		'set = HOME=/home/alice' 'set = TERM=dumb' \
		'lease = TOKEN=token' '[fds]' 'policy = none'
}
# of_host MARKER: the pid of alice's process with that command line.
of_host() { pgrep -U alice -fx "$1"; }
# Once its loader has closed the libraries.
streams_alone() {
	# shellcheck disable=SC2012 # numbers
	[ "$(ls "/proc/$1/fd" | sort -n | tr '\n' ' ')" = '0 1 2 ' ]
}

# --- an account without it

exact
pam_enable sshd
journal_mark
run ssh_as alice 'echo inside; touch ~/inside'
isnt "$status" 0 'an account with another shell is refused'
lacks "$out" inside 'nothing ran'
ok 'nothing at all' absent /home/alice/inside
contains "$(journal_since)" 'bvisor-shell' 'the log says what is missing'
lacks "$out$err" 'bvisor-shell' 'the user is told no inner details'

# --- the account's shell

usermod -s "$SHELL_PATH" alice
mux_open alice
run ssh_as alice 'exec env'
is "$status" 0 'a command runs'
contains "$out" 'MARK=exact value' 'with the variables of the policy'
contains "$out" 'TOKEN=the secret value' 'the secret among them'
lacks "$out" 'SSH_CONNECTION' 'and none of the service'
for want in 0 1 42 254; do
	run ssh_as alice "exit $want"
	is "$status" "$want" "exit status $want comes back"
done
run ssh_as alice true
is "$out$err" '' 'stdout and stderr are silent'

ssh_as alice 'exec sleep 411' >/dev/null 2>&1 &
ok 'a command that stays' wait_for 30 of_host 'sleep 411'
pid=$(of_host 'sleep 411') || pid=self
out=$(tr '\0' '\n' <"/proc/$pid/environ")
is "$(grep -cvE '^(PATH=/usr/bin:/bin|MARK=exact value|HOME=/home/alice|TERM=dumb|TOKEN=the secret value|PWD=.*|OLDPWD=.*|SHLVL=.*|_=.*)$' <<<"$out")" 0 \
	'the kernel has no variable that was not admitted'
ok 'nor a descriptor beside the three streams' wait_for 30 streams_alone "$pid"
assert_confined "$pid" 'and the session is around it'
kill "$pid" 2>/dev/null || true
wait || true
mux_close alice
assert_no_leftovers 'the sessions are gone'
not_ok 'the secret is in no record' \
	grep -rqs 'the secret value' /var/lib/bvisor /run/bvisor
lacks "$(journal_since)" 'the secret value' 'nor in the log'

head -c 100000 /dev/urandom >"$BV_STATE/blob"
run timeout 60 scp "${SSH_OPTS[@]}" -q "$BV_STATE/blob" alice@127.0.0.1:blob
is "$status" 0 'scp works'
ok 'byte by byte' cmp "$BV_STATE/blob" /home/alice/blob
run sftp_as alice <<<'ls -l blob'
is "$status" 0 'sftp works'
# shellcheck disable=SC2016 # for the remote shell
run terminal -t 120 'wait:[$] $' 'send:echo mark=$MARK; shopt -q login_shell; echo login=$?\n' \
	'wait:mark=exact value' 'wait:login=0' 'wait:[$] $' \
	'send:sleep 412\n' "until:$(in_front 'sleep 412')" 'send:\x1a' \
	'wait:Stopped' 'wait:[$] $' \
	'send:fg\n' "until:$(in_front 'sleep 412')" 'send:\x03' 'wait:[$] $' \
	'send:exit 3\n' -- \
	ssh "${SSH_OPTS[@]}" -tt alice@127.0.0.1
is "$status" 3 'a terminal has a login shell with job control'

chmod 0644 "$SECRETS/token"
run ssh_as alice 'touch ~/ran'
is "$status" 254 'a secret that others may read ends the launch'
ok 'before anything ran' absent /home/alice/ran
lacks "$out$err" token 'the user is not told which'
chmod 0600 "$SECRETS/token"

# --- no new tasks, or threads alone

attempt='exec python3 -c "
import os, threading
try:
    t = threading.Thread(target=lambda: None); t.start(); t.join(); print(\"thread\")
except RuntimeError:
    print(\"no thread\")
for f in (os.fork, lambda: os.posix_spawn(\"/bin/true\", [\"true\"], {})):
    try:
        if f() == 0: os._exit(0)
        print(\"PROCESS\")
    except PermissionError:
        print(\"refused\")
"'
policy_student '[spawn]' 'policy = none'
run ssh_as alice "$attempt"
is "$out" $'no thread\nrefused\nrefused' 'none: neither thread nor process'
ssh_as alice 'exec sleep 413' >/dev/null 2>&1 &
ok 'none: a command itself runs' wait_for 30 of_host 'sleep 413'
pid=$(of_host 'sleep 413') || pid=self
is "$(status_field "$pid" Seccomp)" 2 'none: the host sees the filter'
is "$(status_field "$pid" NoNewPrivs)" 1 'none: and no new privileges'
kill "$pid" 2>/dev/null || true
wait || true
policy_student '[spawn]' 'policy = threads'
run ssh_as alice "$attempt"
is "$out" $'thread\nrefused\nrefused' 'threads: a thread and no process'

# --- nobody to ask

policy_student
mux_open alice
run ssh_as alice 'echo inside'
is "$out" inside 'a policy that does not need it works with it as well'
wait_for 30 guarded_by 1 || true
for pid in $(supervisors); do kill -KILL "$pid"; done
run ssh_as alice 'touch ~/ran'
is "$status" 254 'without its guardian nothing is run'
ok 'nothing at all' absent /home/alice/ran
mux_close alice
wait_for 10 sh -c '! pgrep -U alice' || true

run setpriv --reuid alice --regid alice --init-groups "$SHELL_PATH" -c 'echo ran'
is "$status:$out" 254: 'nor outside of a session'

# --- a forced command

# shellcheck disable=SC2016 # for the remote shell
forced='echo "mark=$MARK ${SSH_CONNECTION:-none}"; exit 6'

policy_student '[fds]' 'policy = none' '[environment]' 'policy = exact' \
	'set = PATH=/usr/bin:/bin' 'set = MARK=forced'
sed -i "s|^|command=\"$SHELL_PATH\" |" "$KEYS"
run ssh_as bob 'echo inside'
isnt "$status" 0 'forced: refused while the PAM line does not say so'
pam_enable sshd exec_boundary=forcecommand
run ssh_as bob "$forced"
is "$status" 6 'forced: the exit status comes back'
contains "$out" 'mark=forced none' 'forced: the environment is the policy'\''s'
