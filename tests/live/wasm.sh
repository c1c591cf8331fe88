#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisor-wasm on this kernel, as an ordinary user, in a private mount namespace
# with a copy of /etc and a store of its own. The modules are wasm/modules/*.c;
# the same sources compiled for this machine are the oracle. What a running
# command is confined to is read from /proc by root. Speaks TAP.
# shellcheck disable=SC2016,SC2317 # for the shell under test; traps
set -u
umask 022
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BV_BUILD:-${1:-build/release}}")
modules=$build/modules

name=bvisor-wasm
# shellcheck source=tests/live/wasm-stage.inc
. tests/live/wasm-stage.inc

# --- the administrator's side ----------------------------------------------------

rm -rf "${store%/wasm}" /etc/bvisor
out=$("$ctl" wasm add cat "$modules/cat.wasm" 2>"$work/err")
status=$?
is $status 0 'add puts a module into a store that was not there'
has "$out" 'grants no files yet' 'and makes its grant'
is "$(stat -c '%u %a %h' $store/cat.wasm)" '0 644 1' 'a file of root with one name'
sed -i '$a [limits]\nwall = 7s' $grants/cat.conf
"$ctl" wasm add cat "$modules/wc.wasm" >/dev/null
is "$(sed -n 's/^digest = //p' $grants/cat.conf)" \
	"$(sha256sum <"$modules/wc.wasm" | cut -d' ' -f1)" 'add again renews the digest'
is "$(grep -c 'wall = 7s' $grants/cat.conf)" 1 'and leaves the rest of the grant'
echo 'no module' >"$work/junk"
out=$("$ctl" wasm add junk "$work/junk" 2>&1)
status=$?
is $status 1 'what is no module is not taken'
[ ! -e $store/junk.wasm ] && [ ! -e $grants/junk.conf ]
ok $? 'and leaves nothing'
out=$("$ctl" wasm add '../x' "$modules/cat.wasm" 2>&1)
status=$?
is $status 1 'nor a name that is none'

for m in cat wc head grep sort seq sleep trap true false env; do
	grant $m '[streams]' 'stdin = yes' '[files]' 'write = ~/data' 'read = /home/shared' \
		'[limits]' 'wall = 600s'
done
for m in ls cp mv rm mkdir; do grant $m '[files]' 'write = ~/data' 'read = /home/shared'; done
sed -i '$a [environment]\nset = MARK=exact value' $grants/env.conf
grant spin '[limits]' 'fuel = 50M'
out=$("$ctl" wasm check --user bvt-wasm 2>&1)
status=$?
is $status 0 'check is content with all of them'
is "$("$ctl" wasm list --json | jq length)" 17 'list has each'
out=$("$ctl" wasm run --user bvt-wasm env "it's" 'a  b' '$HOME;|' 2>&1)
has "$out" $'1=[it\'s]\n2=[a  b]\n3=[$HOME;|]' 'run hands arguments on as they are'

# --- commands --------------------------------------------------------------------

w 'true'
is "$status:$out$err" 0: 'true is silent'
w 'false'
is $status 1 'a status comes back'
w 'trap 42'
is $status 42 'whatever it is'
w 'env "a b" c\ d '"'e;f'"
is "$out" $'MARK=exact value\n1=[a b]\n2=[c d]\n3=[e;f]' 'environment and arguments are exact'
w 'seq 100 | grep 7 | sort | head -n 3 | wc'
is "$out" '3 3 9' 'a pipeline of five'
w 'cd data; seq 5 > five; seq 2 >> five; cat < five | wc; ls; pwd'
is "$out" $'7 7 14\nfive\n/home/bvt-wasm/data' 'redirections and the current directory'
is "$(stat -c '%U %a' $data/five)" 'bvt-wasm 644' 'the file is the user'\''s'
w 'false && true || trap 3; env $?'
is "$out" $'MARK=exact value\n1=[3]' 'and, or, and $?'
w 'nope'
is "$status:$err" "127:bvisor-wasm: nope: not found; 'help' lists the commands" 'no such command: 127 and why'
w '/bin/sh -c id'
is $status 127 'a program of the host: 127'
for line in 'scp -t .' /usr/lib/openssh/sftp-server 'rsync --server . x' "git-upload-pack 'x'"; do
	w "$line"
	is $status 126 "${line%% *}: 126"
	has "$err" 'no files are transferred by this account' "${line%% *}: says why"
done
w 'spin'
is $status 152 'fuel: 152'
has "$err" 'after 50000000 fuel' 'fuel: says how much'
first=$err
w 'spin'
is "$err" "$first" 'fuel: the same instruction each time'
w 'trap'
is $status 134 'a trap: 134'
has "$err" 'bvisor-wasm: trap: trap: unreachable' 'a trap: says which and where'
sed -i 's/wall = 600s/wall = 200ms/' $grants/sleep.conf
w 'sleep 1000'
is "$status:$err" '124:bvisor-wasm: sleep: its time of 0.200 s is over' 'wall: 124 and why'
grant spin '[limits]' 'fuel = 900G' 'wall = 300ms'
w 'spin'
is $status 124 'wall: of one that computes too'
grant spin '[limits]' 'fuel = 900G' 'cpu = 200ms'
w 'spin'
is "$status:$err" '152:bvisor-wasm: spin: its processor time is used up' 'cpu: 152 and why'
grant seq '[streams]' 'output = 1000'
w 'seq 100000'
is "$status:${#out}" 134:999 'output: stopped at the byte (the shell here takes the last newline)'
has "$err" 'output limit of 1000 bytes' 'output: says why'
grant cp '[files]' 'write = ~/data' '[limits]' 'storage = 10'
w 'cd data; cp five copy'
[ "$status" != 0 ] && [ "$(cat $data/copy 2>/dev/null | wc -c)" -le 10 ]
ok $? 'storage: no byte more is on the disk'
has "$err" 'No space left' 'storage: the command is told'
rm -f $data/copy
w 'seq 1 | seq 2'
is $status 126 'a pipe into what takes no input: 126'
has "$err" 'takes no standard input' 'and why'
grant seq '[streams]' 'stdin = yes' '[files]' 'write = ~/data'
printf 'bvisor-wasm-session 1\n[session]\nfuel = 100M\ncommands = 3\n' >/etc/bvisor/wasm.conf
w 'spin; true; limits; true; true'
is $status 152 'a session'\''s total: 152'
has "$err" 'fuel exhausted' 'a command has what is left of it'
has "$err" 'the session has used up its' 'and then nothing'
has "$out" 'of 100000000 instructions' 'limits shows it'
rm /etc/bvisor/wasm.conf

# --- native output is the oracle --------------------------------------------------

mkdir "$work/native"
for c in wasm/modules/*.c; do
	cc -O1 -o "$work/native/$(basename "$c" .c)" "$c" || skip_all 'no native compiler'
done
seq 3000 | awk '{ print $1 * 7919 % 3001, "line", $1 }' >$data/text
chown $uid:$uid $data/text
export LC_ALL=C
same() { # MODULE-LINE NATIVE-COMMAND
	w "cd data; $1"
	local want
	want=$(cd $data && PATH=$work/native:$PATH bash -c "$2")
	is "$out" "$want" "as native: $1"
}
for line in 'cat text' 'wc text five' 'sort text' 'grep 77 text' 'grep -v 1 text' 'head -n 7 text' \
	'cat text | sort | head -n 20' 'ls'; do
	same "$line" "$line"
done
w 'cd data; mkdir d; cp five d/x; mv d/x d/y; ls d; rm d/y; rm d; ls d'
is "$out" '' 'storage of 10 bytes keeps cp from it'
grant cp '[files]' 'write = ~/data'
w 'cd data; mkdir d; cp five d/x; mv d/x d/y; ls d; cat d/y | wc; rm d/y d; ls'
is "$out" $'y\n7 7 14\nfive\ntext' 'cp, mv, mkdir, rm'

# --- what is not granted ---------------------------------------------------------

w 'cat /home/shared/file'
is "$out" shared 'a directory that may be read is read'
w 'cat ../secret; cat /home/bvt-wasm/secret; cat /etc/passwd; cat data/../../secret'
lacks "$out" secret 'nothing outside the directories is read'
lacks "$out" root 'nor of the system'
w 'seq 1 > /home/shared/new'
is $status 126 'no redirection into what is only read'
w 'cat < secret'
is $status 126 'nor out of what is not granted'
has "$err" 'in no directory of this command' 'and why'
ln -s ../secret $data/link
w 'cd data; cat link; cat < link'
lacks "$out" secret 'a symbolic link leads nowhere'
mkfifo $data/fifo
w 'cat < data/fifo'
is $status 126 'a fifo is no file'
rm -f $data/fifo $data/link
w 'help | cat'
is $status 126 'a builtin stands alone'
for line in 'true &' 'cat 2>x' 'cat $(id)' 'cat `id`' '(true)' 'true >&2'; do
	w "$line"
	is $status 2 "no such word here: $line"
done

# --- the store is believed only when it is root's -----------------------------------

refused() { # NAME PART
	w 'true'
	is $status 126 "$1: 126"
	out=$("$ctl" wasm check true 2>&1)
	status=$?
	has "$out" "$2" "$1: check says why"
	grant true
}
grant true
printf 'x' >>$store/true.wasm
refused 'another module in its place' 'another digest'
chmod o+w $store/true.wasm
refused 'a module others may write' 'lets others than root write it'
chown $uid $store/true.wasm
refused 'a module of another owner' 'must be root'
ln $store/true.wasm $store/second
refused 'a module with two names' 'has 2 names'
rm -f $store/second
mv $store/true.wasm $store/real.wasm
ln -s real.wasm $store/true.wasm
refused 'a symbolic link' 'is a symbolic link'
rm -f $store/real.wasm $store/true.wasm
install -m 0644 "$modules/true.wasm" $store/
chmod g+w $grants/true.conf
refused 'a grant others may write' 'lets others than root write it'
chmod 0644 $grants/true.conf
echo 'fule = 3' >>$grants/true.conf
refused 'a grant with a wrong word' 'unknown key'
chmod o+w $store
w 'true'
is $status 126 'a store others may write: nothing runs'
chmod 0755 $store
w 'true'
is $status 0 'and all is well again'

# --- the environment brings nothing in ----------------------------------------------

cat >"$work/evil.c" <<'C'
#include <unistd.h>
__attribute__((constructor)) static void in(void) { write(1, "EVIL\n", 5); }
C
cc -shared -fPIC -o $data/evil.so "$work/evil.c"
chmod 0755 $data/evil.so
out=$(setpriv --reuid $uid --regid $uid --clear-groups env -i LD_PRELOAD=$data/evil.so \
	LD_LIBRARY_PATH=$data GCONV_PATH=$data LOCPATH=$data HOME=$home USER=bvt-wasm \
	LANG=de_DE.ISO-8859-1 $wsh -c 'env' 2>&1)
status=$?
lacks "$out" EVIL 'no library of the user is loaded'
is "$out" 'MARK=exact value' 'nor is its environment handed on'
is "$(setpriv --reuid $uid --regid $uid --clear-groups env -i LD_PRELOAD=$data/evil.so /bin/echo x)" \
	$'EVIL\nx' 'which another program would have loaded'

# --- what the kernel holds a command to ----------------------------------------------


mkfifo "$work/hold"
exec 9<>"$work/hold" 8<$home/secret
as_user $wsh -c 'cat' <"$work/hold" >/dev/null 2>&1 &
started=$!
shell='' child=''
for _ in $(seq 600); do
	shell=$(pgrep -U $uid -fx "$wsh -c cat" -o)
	[ -z "$shell" ] || child=$(pgrep -P "$shell")
	# Confined at last: reading its input.
	[ -n "$child" ] && grep -q '^Seccomp_filters:[[:space:]]*2' "/proc/$child/status" && break
	sleep 0.05
done
field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"; }
err="shell=$shell child=$child"
is "$(field "$shell" Seccomp)/$(field "$shell" Seccomp_filters)/$(field "$shell" NoNewPrivs)" 2/1/1 \
	'the shell: one filter, no new privileges'
is "$(field "$child" Seccomp)/$(field "$child" Seccomp_filters)/$(field "$child" NoNewPrivs)" 2/2/1 \
	'a command: two'
out=$(awk '$2 ~ /x/ { print $6 }' "/proc/$child/maps" | sort -u)
is "$out" $'/usr/bin/bvisor-wasm\n[vdso]\n[vsyscall]' 'no executable mapping but the program'\''s own text'
out=$(readlink "/proc/$child"/fd/* | sort -u)
lacks "$out" "$home/secret" 'no descriptor of whoever started the shell'
lacks "$out" "$store" 'nor of the store'
[ "$(find "/proc/$child/fd" -type l | wc -l)" -lt 12 ]
ok $? 'a handful at all'
is "$(awk '/core file size/ { print $5, $6 } /open files/ { print ($4 < 200) }' "/proc/$child/limits")" \
	$'0 0\n1' 'limits of the kernel'
is "$(stat -c %u "/proc/$child/mem")" 0 'its memory is closed to the user'\''s other processes'
kill -KILL "$shell"
# Dead: who takes in orphans here may leave them as they are.
lives() { grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$child/status"; }
for _ in $(seq 600); do
	lives || break
	sleep 0.05
done
! lives
ok $? 'a command does not outlive its shell'
exec 9>&- 8<&-
wait "$started" 2>/dev/null

# --- a terminal ------------------------------------------------------------------------

grant spin '[limits]' 'fuel = 900G' 'cpu = 100s' 'wall = 200s'
grant sleep '[limits]' 'wall = 200s'
out=$(as_user python3 tests/vm/guest/tools/terminal.py -t 90 'wait:wasm:~> $' \
	'send:spin 0 on; env not\n' 'wait:\r\non\r\n' 'send:\x03' 'wait:spin: interrupted\r\nwasm:~> $' \
	'send:env $?\n' 'wait:\[130\]' 'wait:> $' \
	'send:env go; cat; env not\n' 'wait:=\[go\]' 'send:x\n' 'wait:x\r\nx\r\n' \
	'send:\x03' 'wait:cat: interrupted\r\nwasm:~> $' \
	'send:env go; cat | sort\n' 'wait:=\[go\]' 'send:b\na\n\x04' 'wait:a\r\nb\r\n' 'wait:> $' \
	'send:abc\x03' 'wait:> $' 'send:cd data\n' 'wait:wasm:~/data> $' \
	'send:history\n' 'wait:cat . sort' 'wait:> $' \
	'send:exit 7\n' -- $wsh 2>&1)
status=$?
is $status 7 'a terminal: editing, Ctrl-C, end of file, history, exit'
out=$(printf 'env one\ncat\nrest of it\n' | as_user timeout 100 $wsh 2>&1)
status=$?
is "$out" $'MARK=exact value\n1=[one]\nrest of it' 'without one lines are read, and the rest is the command'\''s'

# --- a hole in a host call, and the guards taken out in turn --------------------------------

# hole GUARDS LINE: a command in whose place the attack runs; it says HARM.
red=${build%/*}/red/bvisor-wasm
hole() {
	echo "wasm-plant $1" >/run/bvisor.red
	out=$(as_user timeout 60 "$work/red" -c "$2" 2>&1 </dev/null)
	status=$?
	rm /run/bvisor.red
}
stopped() { # ATTACK WHY
	hole '' "true red:$1"
	lacks "$out" HARM "planted: $2"
}
if [ -x "$red" ]; then
	install -m 0755 "$red" "$work/red"
	grant true '[files]' 'write = ~/data'
	stopped exec 'no program is executed'
	stopped fork 'no process is made'
	stopped socket 'no socket is opened'
	stopped code 'no memory becomes code'
	stopped 'open /home/shared/file' 'no file of another command is opened'
	stopped 'open /etc/passwd' 'nor one of the system'
	hole '' "true red:open $data/text"
	has "$out" HARM 'planted: the command'\''s own files are its own'
	hole wasm-seccomp 'true red:fork'
	has "$out" HARM 'without its filter a command would fork'
	hole wasm-landlock 'true red:open /home/shared/file'
	has "$out" HARM 'without its layer it would open another command'\''s file'
	hole 'wasm-seccomp wasm-landlock' 'true red:exec'
	lacks "$out" HARM 'and without both the shell'\''s layers stop another program'
else
	n=$((n + 1))
	echo "ok $n - a hole in a host call # SKIP no red build (make red-wasm)"
fi

# --- through sshd, in a confined session -------------------------------------------------

over_sshd() {
	local opts pid u
	base=$cgroot/bvisor-wasm-$$ port=$((20000 + $$ % 12000))
	# Below what the kernel gives to those who connect, and nobody else's.
	while (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	stop() {
		[ ! -s "$work/sshd.pid" ] || kill "$(cat "$work/sshd.pid")" 2>/dev/null
		for _ in $(seq 50); do
			rmdir "$base"/*/ "$base" 2>/dev/null
			[ -d "$base" ] || break
			sleep 0.1
		done
	}
	trap stop EXIT
	mkdir -p /run/sshd "$base" /usr/libexec /etc/bvisor/policies
	install -m 0664 /dev/null /run/utmp
	install -m 0755 "$build/bvisor-helper" /usr/libexec/
	rm -f /etc/nologin
	printf 'bvisor-config 1\n[bvisor]\ncgroup_base = %s\nstate_dir = /run/state\n' "$base" \
		>/etc/bvisor/bvisor.conf
	# As shipped, but for the task limit: this kernel may have no such controller.
	sed '/^processes = /d' etc/policies/wasm-only.conf >/etc/bvisor/policies/wasm-only.conf
	echo 'wasm-only:x:64991:bvt-wasm' >>/etc/group
	out=$("$ctl" check 2>&1)
	lacks "$out" 'wasm-only' 'check finds the shipped policy enforceable'
	lacks "$out" 'is refused' 'and every command sound'
	chmod o+w $store/true.wasm
	out=$("$ctl" check 2>&1)
	has "$out" "command 'true' is refused: $store/true.wasm: mode 0646" 'or says what is wrong'
	chmod 0644 $store/true.wasm
	echo 'bvt-wasm:*:19000:0:99999:7:::' >>/etc/shadow
	# The same account without a policy, with a shell that runs anything.
	echo 'bvt-free:x:64992:64992::/home/bvt-free:/bin/bash' >>/etc/passwd
	echo 'bvt-free:*:19000:0:99999:7:::' >>/etc/shadow
	ssh-keygen -q -t ed25519 -N '' -f "$work/key"
	ssh-keygen -q -t ed25519 -N '' -f "$work/host"
	install -m 0644 "$work/key.pub" /etc/ssh/bvt_keys
	for u in 64992:/home/bvt-free $uid:$home; do
		install -d -o "${u%%:*}" -g "${u%%:*}" "${u#*:}" "${u#*:}/data" "${u#*:}/.ssh"
		echo 'touch ~/data/rc' >"${u#*:}/.ssh/rc"
	done
	sed -i -E 's/^(session[[:space:]]+)required([[:space:]]+pam_loginuid)/\1optional\2/' /etc/pam.d/sshd
	# A busy machine is given more than two seconds a step.
	printf '%s required %s deadline=30\n' account "$build/pam_bvisor.so" \
		session "$build/pam_bvisor.so" >>/etc/pam.d/sshd
	cat >"$work/sshd_config" <<-CONF
		Port $port
		ListenAddress 127.0.0.1
		HostKey $work/host
		PidFile $work/sshd.pid
		AuthorizedKeysFile /etc/ssh/bvt_keys
		StrictModes no
		UsePAM yes
		PrintMotd no
		AcceptEnv *
		Subsystem sftp /usr/lib/openssh/sftp-server
	CONF
	/usr/sbin/sshd -f "$work/sshd_config" -E "$work/sshd.log" || return
	for _ in $(seq 300); do # written once it listens
		[ ! -s "$work/sshd.pid" ] || break
		sleep 0.1
	done
	opts=(-F none -i "$work/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
		-o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=60)
	login() {
		out=$(timeout 100 ssh "${opts[@]}" -p "$port" "$@" 2>"$work/err" </dev/null)
		status=$?
		err=$(cat "$work/err")
	}
	grant spin '[limits]' 'fuel = 3M'
	login bvt-wasm@127.0.0.1 "env 'a  b' | cat"
	is "$status:$out" $'0:MARK=exact value\n1=[a  b]' 'sshd: a pipeline with exact arguments'
	login bvt-wasm@127.0.0.1 spin
	is "$status:${err##* after }" '152:3000000 fuel' 'sshd: fuel'
	login bvt-wasm@127.0.0.1 '/bin/sh -c id'
	is $status 127 'sshd: no program'
	out=$(timeout 60 scp -O -P "$port" "${opts[@]}" -q /etc/hostname bvt-wasm@127.0.0.1:data/x 2>&1)
	status=$?
	has "$out" 'no files are transferred by this account' 'sshd: scp is told why'
	! echo ls | timeout 60 sftp -P "$port" "${opts[@]}" -q -b - bvt-wasm@127.0.0.1 >"$work/sftp" 2>&1 &&
		[ ! -e $data/x ]
	ok $? 'sshd: sftp is refused as well'
	[ ! -e $data/rc ]
	ok $? 'sshd: ~/.ssh/rc is executed by nobody'
	login bvt-free@127.0.0.1 true
	[ -e /home/bvt-free/data/rc ]
	ok $? 'sshd: where another account'\''s is'
	cp $data/evil.so /home/bvt-free/
	login -o "SetEnv=LD_PRELOAD=$data/evil.so" bvt-wasm@127.0.0.1 env
	is "$out" 'MARK=exact value' 'sshd: no library is preloaded'
	login -o SetEnv=LD_PRELOAD=/home/bvt-free/evil.so bvt-free@127.0.0.1 /bin/true
	has "$out" EVIL 'sshd: as it is for another account'
	(
		sleep 600 &
		echo $! >"$work/sleep"
		wait
	) | timeout 600 ssh "${opts[@]}" -p "$port" bvt-wasm@127.0.0.1 cat >/dev/null 2>&1 &
	pid=$(behind_three 'bvisor-wasm -c cat')
	err="pid=$pid"
	is "$(field "$pid" Seccomp_filters)/$(field "$pid" NoNewPrivs)" 3/1 \
		'sshd: the session'\''s filter, the shell'\''s, the command'\''s'
	has "$(cat "/proc/$pid/cgroup")" "${base#"$cgroot"}/session-" 'sshd: in the leaf of the session'
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	ok $? 'sshd: in its own network'
	lacks "$(sockets "$pid")" "$(ear "$pid")" 'sshd: a command has no way to the guardian'
	is "$(ear "$pid" | wc -l)" 1 'sshd: which its shell has'
	kill "$(cat "$work/sleep")"
	wait
	told
	inlined
}
# behind_three LINE: its process that has three filters, the session's, the shell's and
# the command's; the shell may have the same line and have begun in the same moment.
behind_three() {
	local p
	for _ in $(seq 600); do
		for p in $(pgrep -U $uid -fx "$1"); do
			grep -qs '^Seccomp_filters:[[:space:]]*3' "/proc/$p/status" && echo "$p" && return
		done
		sleep 0.05
	done
	return 1
}
# Until every session so far is over, whose client may be gone before.
settled() {
	for _ in $(seq 300); do
		jq -r .state /run/state/sessions/*.json | grep -qvx closed || return 0
		sleep 0.1
	done
	return 1
}
parent() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"; }
sockets() { find "/proc/$1/fd" -type l -printf '%l\n' 2>/dev/null | sort -u; }
# ear PID-OF-A-COMMAND: its shell's connection to the guardian, the one socket there
# that keeps packets apart and in order.
ear() {
	local shell
	shell=$(parent "$1")
	awk '$5 == "0005" { print "socket:[" $7 "]" }' "/proc/$shell/net/unix" | sort |
		comm -12 - <(sockets "$shell")
}
# report QUERY: of the session that was closed last.
report() {
	local file
	for _ in $(seq 300); do
		# shellcheck disable=SC2012 # names are hexadecimal
		file=$(ls -t /run/state/sessions/*.json | head -n 1)
		[ "$(jq -r .state "$file")" != closed ] || break
		sleep 0.1
	done
	jq -rc "$1" "$file"
}
# What the shell says of its commands, in the session's report.
told() {
	local id
	grant spin '[limits]' 'fuel = 3M'
	grant sleep '[limits]' 'wall = 200ms'
	grant seq '[streams]' 'stdin = yes' 'output = 10'
	settled
	login bvt-wasm@127.0.0.1 'env a | cat; trap 7; trap; spin; sleep 100; seq 100; cat < data/none; nope'
	is "$(report '.commands | [.said_by, .told, .lost, .unheard, .nonsense]')" \
		'["workload-shell",8,0,0,0]' 'told: eight commands, by the shell'\''s own word'
	is "$(report '[.commands.list[] | [.name, .verdict, .status]]')" \
		'[["env","ended",0],["cat","ended",0],["trap","ended",7],["trap","trap",134],["spin","fuel",152],["sleep","wall",124],["seq","trap",134],["cat","refused",126]]' \
		'told: each with its verdict and status'
	is "$(report '.commands.list[4] | [.sha256, .fuel]')" \
		"[\"$(sha256sum <"$modules/spin.wasm" | cut -d' ' -f1)\",3000000]" 'told: module and fuel'
	is "$(report '[.commands.list[] | select(.fuel == null) | .name]')" '["cat"]' \
		'told: what nobody counted is not made up'
	is "$(report '.commands.fuel == ([.commands.list[].fuel // 0] | add)')" true 'told: the sum'
	is "$(report '[.commands.list[1].peak_pages > 0, .commands.list[1].cpu_us > 0]')" '[true,true]' \
		'told: pages and time'
	id=$(report .session_id)
	out=$("$ctl" show "$id" 2>&1)
	status=$?
	has "$out" 'by the word of the session'\''s own shell' 'told: show says whose word it is'
	has "$out" 'command      spin: fuel, status 152, fuel 3000000' 'told: and what was told'
	out=$("$ctl" verify 2>&1)
	is $? 0 'told: the report is what the journal has sealed'
	kept_ear
}
# The guard taken out: a command that keeps what its shell has is seen to.
kept_ear() {
	local one policy=/etc/bvisor/policies/wasm-only.conf
	if [ ! -x "$red" ]; then
		n=$((n + 1))
		echo "ok $n - told: a command that keeps the guardian's ear # SKIP no red build"
		return
	fi
	install -m 0755 "$red" $wsh.new && mv $wsh.new $wsh
	echo wasm-channel >/run/bvisor.red
	sed -i.kept 's|^write = ~|&\nread = /run/bvisor.red|' $policy
	settled
	(
		sleep 600 &
		echo $! >"$work/sleep"
		wait
	) | timeout 600 ssh "${opts[@]}" -p "$port" bvt-wasm@127.0.0.1 cat >/dev/null 2>&1 &
	one=$(behind_three 'bvisor-wasm -c cat')
	err="pid=$one"
	has "$(sockets "$one")" "$(ear "$one")" 'told: without its guard a command keeps the way to the guardian'
	kill "$(cat "$work/sleep")"
	wait
	rm /run/bvisor.red
	mv $policy.kept $policy
	install -m 0755 "$build/bvisor-wasm" $wsh.new && mv $wsh.new $wsh
}
# A policy without new tasks: all commands in the shell's own process.
inlined() {
	local policy=/etc/bvisor/policies/wasm-only.conf one children=''
	printf '[spawn]\npolicy = none\n' >>$policy
	sed -i 's/^kind = wasm/&\nisolation = process/' $policy
	out=$("$ctl" check 2>&1)
	has "$out" 'isolation = process: each command is a process then' 'inline: a process each and no tasks is refused'
	sed -i 's/^isolation = process/isolation = inline/' $policy
	out=$("$ctl" explain bvt-wasm --service sshd 2>&1)
	has "$out" 'wasm:inline+seccomp_spawn' 'inline: explain says by what there are no new tasks'
	has "$out" 'all commands in one process' 'inline: and how commands are isolated'
	grant seq '[streams]' 'stdin = yes'
	settled
	login bvt-wasm@127.0.0.1 "seq 30000 | sort | head -n 2 | wc; spin"
	is "$status:$out" '152:2 2 5' 'inline: a pipeline, and fuel'
	is "$(report '[.commands.list[] | [.name, .verdict]]')" \
		'[["seq","ended"],["sort","ended"],["head","ended"],["wc","ended"],["spin","fuel"]]' 'inline: told'
	(
		sleep 600 &
		echo $! >"$work/sleep"
		wait
	) | timeout 600 ssh "${opts[@]}" -p "$port" bvt-wasm@127.0.0.1 'cat | cat | cat' >/dev/null 2>&1 &
	one=$(behind_three 'bvisor-wasm -c cat . cat . cat')
	err="pid=$one"
	is "$(field "$one" Seccomp)/$(field "$one" Seccomp_filters)/$(field "$one" Threads)/$(field "$one" NoNewPrivs)" \
		2/3/1/1 'inline: the session'\''s filter and the shell'\''s two, one thread'
	for _ in $(seq 100); do
		children+=$(cat "/proc/$one/task/$one/children")
		children+=$(pgrep -P "$one")
		sleep 0.01
	done
	is "$children" '' 'inline: three commands and never a child'
	kill "$(cat "$work/sleep")"
	wait
	out=$(ssh "${opts[@]}" -p "$port" bvt-wasm@127.0.0.1 -- --inline 2>&1 </dev/null)
	has "$out" 'not found' 'inline: it is no word of a line'
	# Who cannot be asked has not said that there may be processes.
	mkdir "$base/session-0123456789abcdef"
	out=$(
		echo "$BASHPID" >"$base/session-0123456789abcdef/cgroup.procs"
		as_user $wsh -c 'seq 3' 2>"$work/err"
	)
	status=$?
	err=$(cat "$work/err")
	is "$status:$out" 126: 'inline: without the guardian nothing is run'
	has "$err" 'nothing was run' 'inline: and that is said'
}
cgroot=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -n "$cgroot" ] && [ -x /usr/sbin/sshd ]; then
	over_sshd
else
	n=$((n + 1))
	echo "ok $n - through sshd # SKIP no cgroup v2, or no sshd"
fi
echo "1..$n"
exit $bad
