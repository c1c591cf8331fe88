# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# Signals to, and looking into, a process of the same uid outside the session.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd
outside alice proc-pid-fd
victim alice

# shellcheck disable=SC2086 # words
tries alice attack-process "PID=$VICTIM" ${BV_ONLY:-all}
no='EPERM|EACCES|ESRCH|ENOSYS'
while read -r name what; do
	[ -z "$name" ] || stopped "$name" "$no" "$what"
done <<'END'
kill kill(2)
tkill tkill(2)
tgkill tgkill(2)
sigqueue sigqueue(3)
tgsigqueue rt_tgsigqueueinfo(2)
pidfd-signal pidfd_send_signal(2)
procfd-signal the same through a descriptor of /proc/PID
sigio SIGIO with F_SETOWN and F_SETSIG
kill-group kill(2) of its process group
kill-all kill(-1)
ptrace-attach PTRACE_ATTACH
ptrace-seize PTRACE_SEIZE
vm-readv process_vm_readv(2)
vm-writev process_vm_writev(2)
proc-mem /proc/PID/mem
proc-environ /proc/PID/environ
pidfd-getfd pidfd_getfd(2)
prlimit prlimit(2)
END
if [ -z "$BV_ONLY" ]; then
	ok 'the process is still there' test -d "/proc/$VICTIM"
	is "$(status_field "$VICTIM" SigPnd):$(status_field "$VICTIM" ShdPnd)" \
		0000000000000000:0000000000000000 'no signal waits for it'
	is "$(status_field "$VICTIM" TracerPid)" 0 'nobody traces it'
	run ssh_as alice "kill -KILL $VICTIM; kill -KILL -1; sleep 0.2; echo alive"
	ok 'kill -KILL does not reach it' test -d "/proc/$VICTIM"
	if [ "$(bvisorctl probe | awk '$1 == "landlock.abi" { print $2 }')" -lt 6 ]; then
		# shellcheck disable=SC2012 # names of hexadecimal digits
		record=$(ls -t /var/lib/bvisor/sessions/*.json | sed -n 1p)
		ok 'the report tells of the signals that were refused' \
			wait_for 30 grep -qF "scope.signal pid $VICTIM" "$record"
		run bvisorctl why "$(basename "$record" .json)"
		contains "$out" "denied: scope.signal pid $VICTIM" \
			'so does bvisorctl why'
	fi
fi
kill -KILL "$VICTIM"

if [ -z "$BV_ONLY" ]; then
	victim alice
	tried_by setsid setpriv --reuid alice --regid alice --init-groups \
		"$ATTACKS/attack-process" "PID=$VICTIM" kill tkill tgkill \
		sigqueue tgsigqueue pidfd-signal procfd-signal sigio kill-group \
		ptrace-attach vm-readv vm-writev proc-mem proc-environ \
		pidfd-getfd prlimit
	all_through 'outside the session all of that works' kill tkill tgkill \
		sigqueue tgsigqueue pidfd-signal sigio kill-group \
		ptrace-attach vm-readv vm-writev proc-mem proc-environ \
		pidfd-getfd prlimit
	kill -KILL "$VICTIM"
fi
