# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 400
# What holds a session of modules, attacked from inside of one: by native code where
# there is some (sshd's own internal-sftp, its forwarding, another PAM module), by
# WebAssembly where there is none. Red partners: tests/red/list.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
command -v wat2wasm >/dev/null || skip_case 'no wat2wasm (wabt)'
SHELL_PATH=/usr/bin/bvisor-wasm
INTERNAL=/etc/ssh/sshd_config.d/guest-wasm.conf
back() {
	usermod -s /bin/bash carol
	rm -rf /usr/lib/bvisor "$BV_CONF/wasm.d" /home/carol/{data,hidden}
	internal no
	_mux_close_all
}
internal() { # internal yes|no: carol's logins are sftp's
	rm -f $INTERNAL
	[ "$1" = no ] || printf 'Match User carol\n\tForceCommand internal-sftp\n' >$INTERNAL
	sshd_anew
}
trap back EXIT
usermod -s $SHELL_PATH carol
install -d -o carol -g carol /home/carol/data /home/carol/hidden
echo secret >/home/carol/hidden/file
chown carol: /home/carol/hidden/file
for m in say upper burn; do
	wat2wasm -o "$BV_STATE/$m.wasm" "$BV_SRC/wasm/modules/$m.wat"
	bvisorctl wasm add $m "$BV_STATE/$m.wasm" >/dev/null
done
printf '[streams]\nstdin = yes\n[limits]\nwall = 300s\n' >>"$BV_CONF/wasm.d/upper.conf"
printf '[limits]\nfuel = 900G\ncpu = 300s\nwall = 300s\n' >>"$BV_CONF/wasm.d/burn.conf"

# modules [LINE...]: the policy, with these lines behind [budget].
modules() {
	{
		cat <<'END'
bvisor-policy 1
[match]
user = carol
[workload]
kind = wasm
[filesystem]
base = none
write = ~
hide = ~/hidden
[network]
access = deny
[temp]
private = yes
[budget]
END
		printf '%s\n' "$@"
	} | set_policy modules
}
pam_enable sshd
modules 'processes = 64'
dead() { [ ! -d "/proc/$1" ]; }
gone() { wait_for "${2:-30}" dead "$1"; }
# running NAME: pid of the command that this line runs, once it is there.
of_line() { pid=$(pgrep -n -U carol -fx "bvisor-wasm -c $1"); }
running() {
	pid=''
	wait_for 30 of_line "$1" || true
	[ -n "$pid" ]
}

# --- files: sshd's own sftp, in the session, without a program ----------------------

work=$(mktemp -d)
echo harm >"$work/harm"
head -c 4M /dev/zero >"$work/big"
kept() { [ "$(cat "$OUT/$1")" = untouched ]; }
unread() { unharmed "$1" "$2" eval "! grep -q '$4' '$3' 2>/dev/null"; }
if any_wanted read proc-root write rename remove hide temp storage; then
	modules 'processes = 64' 'storage = 1M'
	internal yes
	outside carol read rename remove
	rm -f /tmp/temp.new
	run sftp_as carol <<END
put $work/harm data/own
-get $OUT/read $work/got.read
-get /proc/self/root$OUT/read $work/got.root
-put $work/harm $OUT/put.new
-rename $OUT/rename $OUT/rename.new
-rm $OUT/remove
-get hidden/file $work/got.hidden
-put $work/harm /tmp/temp.new
-put $work/big /tmp/big
-ls -l /tmp/big
put $work/harm data/last
END
	listed=$out
	internal no
	modules 'processes = 64'
	if [ ! -s /home/carol/data/last ]; then
		for name in read proc-root write rename remove hide temp storage; do
			untried $name 'the batch' 'it did not run to its end'
		done
	else
		unread read 'a file outside is not read' "$work/got.read" untouched
		unread proc-root 'nor through /proc/self/root' "$work/got.root" untouched
		unharmed write 'nothing is written outside' absent "$OUT/put.new"
		unharmed rename 'nor renamed' kept rename
		unharmed remove 'nor removed' kept remove
		unread hide 'what is hidden is not read' "$work/got.hidden" secret
		unharmed temp 'its /tmp is not ours' absent /tmp/temp.new
		unharmed storage 'no more is in its /tmp than the budget' \
			eval '! grep -q " 4194304 " <<<"$listed"'
	fi
	rm -f /tmp/temp.new
fi

# --- programs: of a module of the stack behind ours, as root, in the boundary -----------

if wanted exec; then
	rm -f /home/carol/data/executed
	echo 'session optional pam_exec.so quiet /usr/bin/touch /home/carol/data/executed' \
		>>/etc/pam.d/sshd
	run ssh_as carol 'say here'
	if [[ $out == *here* ]]; then
		unharmed exec 'no program is executed' absent /home/carol/data/executed
	else
		untried exec 'no program is executed' 'no session'
	fi
	pam_enable sshd
fi

# --- the network: sshd's forwarding ----------------------------------------------------

if wanted connect; then
	port=7193
	rm -f "$BV_STATE/heard"
	timeout 60 nc -l 127.0.0.1 $port >"$BV_STATE/heard" 2>/dev/null &
	listener=$!
	wait_for 30 eval "ss -Hltn 'sport = :$port' | grep -q ."
	run timeout 30 ssh "${SSH_OPTS[@]}" -W "127.0.0.1:$port" carol@127.0.0.1 <<<knock
	run ssh_as carol 'say here'
	if [ "$out" = here ]; then
		unharmed connect 'sshd reaches nothing for it' \
			eval '! grep -q knock "$BV_STATE/heard"'
	else
		untried connect 'sshd reaches nothing for it' 'no session'
	fi
	kill $listener 2>/dev/null || true
fi

# --- tasks ---------------------------------------------------------------------------------

mkfifo "$BV_STATE/wasm-hold"
if wanted tasks; then
	{
		sed '/^\[budget\]/,$d' "$BV_STATE/policy"
		printf '[spawn]\npolicy = none\n'
	} >"$BV_STATE/none"
	set_policy modules <"$BV_STATE/none"
	ssh_as carol 'upper | upper' <"$BV_STATE/wasm-hold" >"$BV_STATE/upped" 2>&1 &
	exec 7>"$BV_STATE/wasm-hold"
	echo abc >&7
	if running 'upper . upper'; then
		children=''
		for _ in $(seq 40); do
			children+=$(pgrep -P "$(pgrep -o -U carol -fx 'bvisor-wasm -c upper . upper')" || true)
			sleep 0.1
		done
		unharmed tasks 'commands are no tasks where there are none to be' \
			test -z "$children"
	else
		untried tasks 'commands are no tasks' 'nothing ran'
	fi
	exec 7>&-
	wait || true
	if [ -z "$BV_ONLY" ]; then
		is "$(cat "$BV_STATE/upped")" ABC 'and a pipeline of them runs'
	fi
	modules 'processes = 64'
fi
if wanted processes; then
	wait_for 30 all_over || true # or an older record is sealed, and found, below
	modules 'processes = 6 enforced'
	run ssh_as carol 'say x | upper | upper | upper | upper | upper | upper | upper'
	wait_for 30 all_over || true
	record=$(find /var/lib/bvisor/sessions -type f -newer "$BV_STATE/policy" -exec grep -l '"carol"' {} + | head -n 1)
	used=$(python3 - "$record" 2>/dev/null <<'END'
import json, sys
report = json.load(open(sys.argv[1]))
print(*[b["used"] for b in report["budgets"] if b["dimension"] == "processes"])
END
	) || true
	if [[ $used =~ ^[0-9]+$ ]]; then
		unharmed processes 'eight commands at once are too many' test "$used" -le 6
	else
		untried processes 'eight commands at once are too many' "record=$record used=$used"
	fi
	modules 'processes = 64'
fi

# --- ends ------------------------------------------------------------------------------------

if wanted cut; then
	ssh -T "${SSH_OPTS[@]}" carol@127.0.0.1 burn >/dev/null 2>&1 &
	client=$!
	disown $client
	if running burn; then
		shell=$(pgrep -o -U carol -fx 'bvisor-wasm -c burn')
		kill -KILL $client "$(status_field "$shell" PPid)" || true
		unharmed cut 'a command does not outlive its session' gone "$pid"
		pkill -KILL -U carol -fx 'bvisor-wasm -c burn' || true
	else
		untried cut 'a command does not outlive its session' 'it was not started'
	fi
fi
# ended NAME DESC SECONDS BUDGET-LINE
ended() {
	wanted "$1" || return 0
	modules 'processes = 64' "$4"
	ssh_as carol burn >/dev/null 2>&1 &
	if running burn; then
		unharmed "$1" "$2" gone "$pid" "$3"
		pkill -KILL -U carol -fx 'bvisor-wasm -c burn' || true
	else
		untried "$1" "$2" 'it was not started'
	fi
	wait || true
	modules 'processes = 64'
}
ended wall 'the wall budget ends it' 35 'wall = 20s'
ended cpu 'and the processor budget' 40 'cpu = 4s mediated evidence=resource-usage'
rm -rf "$work" "$BV_STATE/wasm-hold"
