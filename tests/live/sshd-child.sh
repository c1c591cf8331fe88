#!/bin/bash
# SPDX-License-Identifier: MIT
# commit=child under a real sshd: its child is confined, the monitor is not, and
# when the child is not confined nobody becomes the user. Speaks TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
pam_lines() { # pam_lines MODULE
	{
		printf 'auth [success=1 default=ignore] %s\n' "$build/tests/live/pam_turn.so"
		printf 'auth required %s\n' "$1"
		cat /etc/pam.d/sshd
		printf 'account required %s\nsession required %s commit=child\n' "$1" "$1"
	} >/etc/pam.d/sshd.new
	mv /etc/pam.d/sshd.new /etc/pam.d/sshd
}
. tests/live/sshd-stage.inc
abi=$("$build/bvisorctl" probe | awk '$1 == "landlock.abi" { print $2 }')
[ "${abi:-0}" -ge 6 ] || skip_all "commit=child needs landlock ABI 6, here is '${abi:-none}'"

field() { awk -v key="$2:" '$1 == key { print $2; exit }' "/proc/$1/status"; }
ns() { readlink "/proc/$1/ns/$2"; }

# --- who is confined -------------------------------------------------------------
is 'control: an unmatched user logs in unconfined' \
	"$(login bvs-free 'grep ^Seccomp: /proc/self/status | tr -d "\t"')" 'Seccomp:0'
out=$(login bvs-conf 'id -un; exit 7' 2>&1)
status=$?
is 'a confined user logs in' "$out" 'bvs-conf'
is 'and the exit status comes through' "$status" 7

timeout 300 ssh "${opts[@]}" -p "$port" bvs-conf@127.0.0.1 'echo $$ >pid; exec sleep 300' </dev/null &
background=$!
wait_for /home/bvs-conf/pid
pid=$(cat /home/bvs-conf/pid)
child=$(field "$pid" PPid)
monitor=$(field "$child" PPid)
leaf=$(leaf_of "$pid")
[ -n "$leaf" ] && [ -d "$base/$leaf" ]
ok 'the kernel shows the session in a leaf' $? "$(cat "/proc/$pid/cgroup" 2>&1)"
is 'sshd as the user is in the same leaf' "$(leaf_of "$child")" "$leaf"
is 'and that one is the user' "$(field "$child" Uid)" 64800
is 'with the gate and the boundary as its filters' "$(field "$child" Seccomp_filters)" 2
[ "$(ns "$child" net)" != "$(ns self net)" ] && [ "$(ns "$child" mnt)" != "$(ns self mnt)" ]
ok 'and namespaces of its own' $?
is 'the monitor is root' "$(field "$monitor" Uid)" 0
is 'in no leaf' "$(leaf_of "$monitor")" ''
is 'in the network of the machine' "$(ns "$monitor" net)" "$(ns self net)"
is 'and in its mounts' "$(ns "$monitor" mnt)" "$(ns self mnt)"
is 'with the gate alone' "$(field "$monitor" Seccomp_filters)" 1
kill "$background" 2>/dev/null
wait "$background" 2>/dev/null
background=
settled
ok 'a dropped connection leaves nothing behind' $? "$(settled)"
record=$(ls -t "$state"/sessions/*.json | head -n 1)
for kind in attested_gate commit_in_child attested_cgroup attested_landlock cgroup_leaf_removed; do
	grep -q "\"$kind\"" "$record"
	ok "the sealed record says $kind" $? "$(head -c 2000 "$record")"
done

# --- must be stopped ---------------------------------------------------------------
is 'reading outside the declared roots' "$(login bvs-conf 'cat /home/open/secret' 2>/dev/null)" ''
login bvs-conf 'echo x >/home/open/shell; echo x >~/mine' 2>/dev/null
[ ! -e /home/open/shell ] && [ -s /home/bvs-conf/mine ]
ok 'writing outside the declared roots, and at home it works' $?
printf -- '-get /home/open/secret %s/stolen\n-put %s/key.pub /home/open/sftp\n-put %s/key.pub kept\n' \
	"$work" "$work" "$work" >"$work/batch"
timeout 100 sftp -q -b "$work/batch" "${opts[@]}" -P "$port" bvs-conf@127.0.0.1 >/dev/null 2>&1
[ ! -s "$work/stolen" ] && [ ! -e /home/open/sftp ] && cmp -s "$work/key.pub" /home/bvs-conf/kept
ok 'the same through internal-sftp' $?
banner() { timeout 100 ssh "${opts[@]}" -p "$port" -W "127.0.0.1:$port" "$1@127.0.0.1" </dev/null 2>/dev/null | head -c 4; }
is 'control: forwarding works for the unconfined' "$(banner bvs-free)" 'SSH-'
is 'forwarding by sshd itself' "$(banner bvs-conf)" ''
pid=$(login bvs-conf 'setsid sleep 987 >/dev/null 2>&1 & echo $!')
settled
# By its command line: the number may be somebody else's by now.
[ -n "$pid" ] && ! grep -qsaz '^987$' "/proc/$pid/cmdline"
ok 'a background process does not survive the logout' $? "pid '$pid'"
is 'a terminal is a terminal' \
	"$(timeout 100 ssh "${opts[@]}" -tt -p "$port" bvs-conf@127.0.0.1 'test -t 0 && echo tty' </dev/null 2>/dev/null | tr -d '\r')" 'tty'

# shellcheck disable=SC2016 # for the agent's shell
agent=$(ssh-agent bash -c 'ssh-add -q "$1" && shift && timeout 100 ssh -A "$@" "ssh-add -l"' sh \
	"$work/key" "${opts[@]}" -p "$port" bvs-conf@127.0.0.1 </dev/null 2>/dev/null)
[[ $agent == *ED25519* ]]
ok 'an agent is forwarded' $? "$agent"
# sshd asks PAM in a process of its own then: another way to the same child
sed -i "s|^bvs-conf:[^:]*:|bvs-conf:$(openssl passwd -6 -salt bvs secret):|" /etc/shadow
printf '#!/bin/sh\necho secret\n' >"$work/askpass"
chmod 0755 "$work/askpass"
for how in keyboard-interactive password; do
	is "a login by $how is confined" \
		"$(SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force timeout 100 setsid ssh -F none \
			-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
			-o PubkeyAuthentication=no -o PreferredAuthentications=$how -p "$port" \
			bvs-conf@127.0.0.1 'id -un; grep ^Seccomp_filters: /proc/self/status | tr -d "\t"' \
			</dev/null 2>&1 | tr '\n' ' ')" 'bvs-conf Seccomp_filters:2 '
done
control=$work/mux
timeout 60 ssh "${opts[@]}" -p "$port" -M -S "$control" -N -f bvs-conf@127.0.0.1 </dev/null
leaves=$(for _ in 1 2 3; do
	ssh "${opts[@]}" -S "$control" bvs-conf@127.0.0.1 'sed -n "s/^0::.*\///p" /proc/self/cgroup' </dev/null
done | sort -u)
[ "$(printf '%s\n' "$leaves" | wc -l)" -eq 1 ] && [[ $leaves == session-* ]]
ok 'three channels of one connection share one leaf' $? "$leaves"
ssh "${opts[@]}" -S "$control" -O exit bvs-conf@127.0.0.1 >/dev/null 2>&1

# --- fails closed --------------------------------------------------------------------
# attempt MODE NAME: what becomes of a login whose child goes astray like this
attempt() {
	echo "$1" >/etc/ssh/bvs_second
	rm -f /home/open/ran /home/bvs-conf/ran "$work/stolen" /home/bvs-conf/astray
	login bvs-conf 'echo ran | tee ~/ran >/home/open/ran' >/dev/null 2>&1
	printf 'get /etc/passwd %s/stolen\nput %s/key.pub astray\n' "$work" "$work" >"$work/batch"
	timeout 100 sftp -q -b "$work/batch" "${opts[@]}" -P "$port" bvs-conf@127.0.0.1 >/dev/null 2>&1
	[ ! -e /home/open/ran ] && [ ! -e /home/bvs-conf/ran ] && [ ! -e /home/bvs-conf/astray ] &&
		[ ! -e "$work/stolen" ]
	ok "$2: nothing runs" $? "$(tail -3 "$work/sshd.log")"
	is "$2: nothing is forwarded" "$(banner bvs-conf)" ''
	rm -f /etc/ssh/bvs_second
}
attempt skip 'a child that never asks to be confined'
not_the_user() { grep -c 'setresuid.*Operation not permitted' "$work/sshd.log"; }
said_so() { [ "$(not_the_user)" -ge 3 ]; }
until_true said_so # by the monitor, when its client may be gone already
is 'and sshd says that it could not become the user' "$(not_the_user)" 3
until_true grep -l '"gate_refused"' "$state"/sessions/*.json
ok 'and the record says so' $?
attempt orphan 'a guardian that dies before the child asks'
attempt 'skip orphan' 'a guardian that dies, and a child that never asks'
is 'control: the same user logs in again' "$(login bvs-conf 'id -un' 2>&1)" 'bvs-conf'

# --- without our auth line ---------------------------------------------------------
sed -i '1,2d' /etc/pam.d/sshd
timeout 300 ssh "${opts[@]}" -p "$port" bvs-conf@127.0.0.1 'echo $$ >pid2; exec sleep 300' </dev/null &
background=$!
wait_for /home/bvs-conf/pid2
monitor=$(field "$(field "$(cat /home/bvs-conf/pid2)" PPid)" PPid)
is 'without an auth line the monitor itself is confined' \
	"$(leaf_of "$monitor" | sed 's/-.*//')" 'session'
kill "$background" 2>/dev/null
wait "$background" 2>/dev/null
background=
settled >/dev/null || login bvs-conf true # a guardian that ends sweeps
settled
ok 'nothing is left behind, the lost guardians of above swept' $? "$(settled)"

echo "1..$n"
[ "$bad" -eq 0 ] || sed 's/^/# sshd: /' "$work/sshd.log" | tail -30
[ "$bad" -eq 0 ]
