#!/bin/bash
# SPDX-License-Identifier: MIT
# A real sshd on 127.0.0.1 with the built module and helper, in a private mount
# namespace with a copy of /etc. Witnesses are /proc, cgroupfs and the disk.
# Speaks TAP. BV_BUILD (or $1) names the build folder.
set -u
cd "$(dirname "$0")/../.." || exit 1
pam_lines() { # pam_lines MODULE
	printf '%s required %s\n' account "$1" session "$1" >>/etc/pam.d/sshd
}
. tests/live/sshd-stage.inc

# --- control: sshd and the stack work here without a policy ---------------------
is 'control: an unmatched user logs in unconfined' \
	"$(login bvs-free 'grep ^Seccomp: /proc/self/status | tr -d "\t"')" 'Seccomp:0'

# --- confined -------------------------------------------------------------------
got=$(login bvs-conf 'id -un; exit 7' 2>&1)
status=$?
is 'a confined user logs in' "$got" 'bvs-conf'
is 'and the exit status comes through' "$status" 7
is 'arguments come through as they were' \
	"$(login bvs-conf "printf '%s|' a 'b  c' '\$HOME' '*'")" 'a|b  c|$HOME|*|'

timeout 300 ssh "${opts[@]}" -p "$port" bvs-conf@127.0.0.1 'echo $$ >pid; exec sleep 300' </dev/null &
background=$!
wait_for /home/bvs-conf/pid
pid=$(cat /home/bvs-conf/pid)
leaf=$(leaf_of "$pid")
[ -n "$leaf" ] && [ -d "$base/$leaf" ]
ok 'the kernel shows the session in a leaf' $? "$(cat "/proc/$pid/cgroup" 2>&1)"
monitor=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
is 'sshd above it is in the same leaf' "$(leaf_of "$monitor")" "$leaf"
is 'the kernel shows its filter' "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
is 'and NoNewPrivs' "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")" 1
[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
ok 'and a network namespace of its own' $?
[ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
ok 'and a mount namespace of its own' $?
is 'the listening sshd is in no leaf' "$(leaf_of "$(cat "$work/sshd.pid")")" ''
kill "$background" 2>/dev/null
wait "$background" 2>/dev/null
background=
settled
ok 'a dropped connection leaves nothing behind' $? "$(settled)"

# --- must be stopped ------------------------------------------------------------
is 'control: the unconfined read the secret' \
	"$(login bvs-free 'cat /home/open/secret')" 'readable by all, granted to nobody'
is 'reading outside the declared roots' "$(login bvs-conf 'cat /home/open/secret' 2>/dev/null)" ''
login bvs-conf 'echo x >/home/open/shell' 2>/dev/null
[ ! -e /home/open/shell ]
ok 'writing outside the declared roots' $?
login bvs-conf 'echo x >~/mine' 2>&1
[ -s /home/bvs-conf/mine ]
ok 'control: writing at home works' $?
printf 'get /home/open/secret %s/stolen\nput %s/key.pub /home/open/sftp\nput %s/key.pub kept\n' \
	"$work" "$work" "$work" >"$work/batch"
sed 's/^/-/' -i "$work/batch"
timeout 100 sftp -q -b "$work/batch" "${opts[@]}" -P "$port" bvs-conf@127.0.0.1 >/dev/null 2>&1
[ ! -s "$work/stolen" ] && [ ! -e /home/open/sftp ]
ok 'the same through internal-sftp' $?
cmp -s "$work/key.pub" /home/bvs-conf/kept
ok 'control: sftp puts a file at home' $?
banner() { timeout 100 ssh "${opts[@]}" -p "$port" -W "127.0.0.1:$port" "$1@127.0.0.1" </dev/null 2>/dev/null | head -c 4; }
is 'control: forwarding works for the unconfined' "$(banner bvs-free)" 'SSH-'
is 'forwarding by sshd itself' "$(banner bvs-conf)" ''
is 'connecting from the shell' \
	"$(login bvs-conf "exec 3<>/dev/tcp/127.0.0.1/$port && head -c 4 <&3" 2>/dev/null)" ''
pid=$(login bvs-conf 'setsid sleep 987 >/dev/null 2>&1 & echo $!')
settled
# By its command line: the number may be somebody else's by now.
[ -n "$pid" ] && ! grep -qsaz '^987$' "/proc/$pid/cmdline"
ok 'a background process does not survive the logout' $? "pid '$pid'"

# --- several channels, one boundary ---------------------------------------------
control=$work/mux
timeout 60 ssh "${opts[@]}" -p "$port" -M -S "$control" -N -f bvs-conf@127.0.0.1 </dev/null
leaves=$(for _ in 1 2 3; do
	ssh "${opts[@]}" -S "$control" bvs-conf@127.0.0.1 'sed -n "s/^0::.*\///p" /proc/self/cgroup' </dev/null
done | sort -u)
[ "$(printf '%s\n' "$leaves" | wc -l)" -eq 1 ] && [[ $leaves == session-* ]]
ok 'three channels of one connection share one leaf' $? "$leaves"
ssh "${opts[@]}" -S "$control" -O exit bvs-conf@127.0.0.1 >/dev/null 2>&1
is 'a terminal is a terminal' \
	"$(timeout 100 ssh "${opts[@]}" -tt -p "$port" bvs-conf@127.0.0.1 'test -t 0 && echo tty' </dev/null 2>/dev/null | tr -d '\r')" 'tty'
! grep -q 'logout() returned an error' "$work/sshd.log"
ok 'sshd could keep its login records' $? "$(grep 'logout()' "$work/sshd.log")"
settled
ok 'nothing is left behind' $? "$(settled)"

# --- shared with the host -------------------------------------------------------
install -d -m 0755 /home/course /home/in
echo one >/home/course/lesson
chmod 0666 /home/course/lesson
install -d -o bvs-share /home/bvs-share/course
got=$(login bvs-share 'cat ~/course/lesson; echo bad >>~/course/lesson
	echo result >/tmp/out/result; ln -s /home/open/secret /tmp/out/link
	setsid sh -c "while :; do echo late; done >/tmp/out/late" >/dev/null 2>&1 &
	until [ -s /tmp/out/late ]; do sleep 0.1; done' 2>/dev/null)
settled
is 'an exposed directory is read' "$got" one
is 'and not written' "$(cat /home/course/lesson)" one
box=$(echo /home/in/*)
is 'the outbox is promoted with the logout' "$(cat "$box/result" 2>&1)" result
is 'to the user, by the policy' "$(stat -c '%U %a' "$box/result" 2>&1)" 'bvs-share 600'
[ ! -e "$box/link" ] && [ ! -L "$box/link" ]
ok 'a link in it is not followed' $?
sha256=$(sha256sum <"$box/late" | cut -d ' ' -f 1)
grep -q "\"name\":\"late\",\"refused\":\"\",\"sha256\":\"$sha256\"" \
	"$state/sessions/${box##*/}.json"
ok 'what was still written is whole, and as the report says' $? \
	"$sha256 $(tail -c 600 "$state/sessions/${box##*/}.json")"

# --- the record -----------------------------------------------------------------
record=$(ls -t "$state"/sessions/*.json 2>/dev/null | head -n 1)
grep -q '"outcome":"completed"' "$record" 2>/dev/null && grep -q '"sha256":"' "$record"
ok 'every session has a sealed record' $? "$(head -c 300 "$record" 2>&1)"
is 'which root alone can read' "$(stat -c '%a %u' "$record" 2>/dev/null)" '600 0'

# --- refused ----------------------------------------------------------------------
if grep -qsw pids "$base/cgroup.controllers"; then
	skip 'a process limit that cannot be enforced here is refused' 'cgroup v2 has pids here'
else
	more=(-o LogLevel=INFO) # a quieter client hides the banner
	out=$(login bvs-limit 'echo ran >/home/open/ran' 2>&1)
	status=$?
	more=()
	[ $status -ne 0 ] && [ ! -e /home/open/ran ] && [[ $out == *"(session "* ]]
	ok 'a process limit that cannot be enforced here is refused' $? "status $status: $out"
	[[ $out != *pids* && $out != */etc/bvisor* ]]
	ok 'and the user reads nothing of the policy' $? "$out"
fi
echo 'nonsense' >>/etc/bvisor/bvisor.conf
login bvs-free 'echo ran >/home/open/ran' >/dev/null 2>&1
[ ! -e /home/open/ran ]
ok 'with a broken bvisor.conf nobody gets in' $?
is 'but root' "$(login root 'echo in' 2>/dev/null)" 'in'
sed -i '$d' /etc/bvisor/bvisor.conf
rm /usr/libexec/bvisor-helper
login bvs-conf 'echo ran >/home/open/ran' >/dev/null 2>&1
[ ! -e /home/open/ran ]
ok 'without the helper nobody gets in' $?
is 'but root, again' "$(login root 'echo in' 2>/dev/null)" 'in'
printf '#!/bin/sh\nsleep 90\n' >/usr/libexec/bvisor-helper
chmod 0755 /usr/libexec/bvisor-helper
sed -i 's/ deadline=30$//' /etc/pam.d/sshd # two seconds, as when nothing is said
start=$SECONDS
login bvs-conf 'echo ran >/home/open/ran' >/dev/null 2>&1
[ ! -e /home/open/ran ] && [ $((SECONDS - start)) -le 45 ]
ok 'a helper that hangs refuses within its deadline' $? "$((SECONDS - start)) s"
settled
ok 'refusals leave nothing behind' $? "$(settled)"

echo "1..$n"
[ "$bad" -eq 0 ] || sed 's/^/# sshd: /' "$work/sshd.log" | tail -20
[ "$bad" -eq 0 ]
