# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# Typing into the terminal, rings, foreign ABIs, namespaces, mounts, setuid. What
# this kernel would forbid of its own accord is switched on first, so that only
# the boundary can say no.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd
for key in dev.tty.legacy_tiocsti=1 kernel.io_uring_disabled=0 \
	kernel.unprivileged_userns_clone=1 \
	kernel.apparmor_restrict_unprivileged_userns=0; do
	sysctl -q -w "$key" 2>/dev/null || true
done
install -m 4755 "$ATTACKS/attack-syscall" "$ATTACKS/setuid-say"
outside alice
install -d -o alice -g alice /home/alice/in
install -d -o carol -g carol /home/carol/in
args() { echo "OUT=$OUT IN=/home/$1/in EXE=$ATTACKS/setuid-say"; }
# On a terminal; a plain dash, so that pushed input does no harm.
attempt() {
	local user=$1
	shift
	tried_by ssh_tty "$user" "stty -echo; $ATTACKS/attack-syscall $(args "$user") $*"
}

attempt alice "${BV_ONLY:-all}"
stopped tiocsti EPERM 'TIOCSTI'
stopped tiocsti-high EPERM 'TIOCSTI with high bits set'
stopped tioclinux EPERM 'TIOCLINUX'
stopped tioccons EPERM 'TIOCCONS'
stopped io-uring ENOSYS 'io_uring_setup(2)'
stopped x32 SIGSYS 'a system call of the x32 ABI'
stopped int80 SIGSYS 'int $0x80'
stopped unshare-user EPERM 'unshare(CLONE_NEWUSER)'
stopped unshare-mnt EPERM 'unshare(CLONE_NEWNS)'
stopped clone-user EPERM 'clone(CLONE_NEWUSER)'
stopped clone3-user ENOSYS 'clone3(CLONE_NEWUSER)'
stopped setns EPERM 'setns(2)'
for name in mount bind umount remount fsopen open-tree mount-setattr; do
	stopped "$name" EPERM "mounting: $name"
done
for name in mount bind fsopen umount; do
	stopped "userns-$name" EPERM "mounting from a user namespace: $name"
done
stopped add-key EPERM 'add_key(2)'
stopped bpf EPERM 'bpf(2)'
stopped perf EPERM 'perf_event_open(2)'
stopped userfaultfd EPERM 'userfaultfd(2)'
stopped setuid EPERM 'privilege from a setuid program'

if [ -z "$BV_ONLY" ]; then
	run ssh_as alice 'unshare -Ur id -u; unshare -m true; bwrap --dev-bind / / true; echo @tried'
	lacks "$out" $'0\n' 'unshare -Ur gives no root'
	contains "$out" @tried 'and the session goes on'

	attempt carol all
	all_through 'for an unconfined account all of that works' tiocsti \
		tiocsti-high io-uring int80 unshare-user clone-user clone3-user \
		userns-mount userns-bind userns-fsopen add-key setuid
fi
rm -f "$ATTACKS/setuid-say"
