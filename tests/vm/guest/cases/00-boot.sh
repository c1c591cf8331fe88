# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# The ground that the other cases stand on: a booted Debian with its services,
# unified cgroups, landlock, and logins that work without the module.
. "$BV_GUEST/lib.sh"

# shellcheck source=/dev/null
. /etc/os-release
note "$PRETTY_NAME, Linux $(uname -r), $(systemctl --version | head -n 1)"
note "$(ssh -V 2>&1)"
note "sshd parts: $(find /usr/sbin/sshd /usr/lib/openssh -name 'sshd*' |
	tr '\n' ' ')"
for key in kernel.unprivileged_userns_clone user.max_user_namespaces \
	dev.tty.legacy_tiocsti kernel.io_uring_disabled \
	kernel.unprivileged_bpf_disabled kernel.yama.ptrace_scope \
	kernel.apparmor_restrict_unprivileged_userns fs.protected_hardlinks; do
	note "sysctl $key = $(sysctl -n "$key" 2>/dev/null || echo none)"
done
note "lsm = $(cat /sys/kernel/security/lsm)"
note "seconds since the kernel's start: $(cut -d' ' -f1 /proc/uptime)"

# --- the machine

wait_for 180 sh -c '! systemctl is-system-running | grep -q starting' || true
run systemctl is-system-running
is "$out" running 'the system is up and nothing has failed'
[ "$out" = running ] || note "$(systemctl --failed --no-legend --plain)"
note "slowest units: $(systemd-analyze blame 2>/dev/null | head -n 6 |
	tr -s ' \n' ' ')"
for unit in ssh cron atd dbus systemd-logind; do
	ok "$unit runs" systemctl is-active "$unit"
done

if bvisor_installed; then
	ok 'bvisor.service runs' systemctl is-active bvisor.service
fi

# --- what the module stands on

is "$(stat -f -c %T "$CGROUPS")" cgroup2fs 'cgroups are unified'
controllers=" $(cat "$CGROUPS/cgroup.controllers") "
for controller in pids memory cpu; do
	contains "$controllers" " $controller " \
		"the $controller controller is there"
done
mkdir "$CGROUPS/guest-test"
ok 'a cgroup has cgroup.kill' test -e "$CGROUPS/guest-test/cgroup.kill"
rmdir "$CGROUPS/guest-test"
abi=$(python3 "$BV_GUEST/tools/landlock-abi.py")
note "landlock ABI $abi"
case $VERSION_CODENAME in
bookworm) is "$abi" 2 'landlock has the ABI of this release' ;;
trixie) is "$abi" 6 'landlock has the ABI of this release' ;;
*) at_least "$abi" 2 'landlock is there' ;;
esac

# --- logins without the module

for user in "${BV_USERS[@]}"; do
	run ssh_as "$user" id -un
	is "$status:$out" "0:$user" "$user logs in by key"
done
run ssh_as alice 'exit 7'
is "$status" 7 'the exit status comes back'
run ssh_tty alice 'test -t 0 && tty'
matches "$out" '/dev/pts/' 'a terminal is given'
run su_as bob 'id -Gn'
contains "$out" students 'su works and knows the groups'
# shellcheck disable=SC2016 # for the shell of carol
run login_as carol 'echo "i am $(id -un)"; (exit 5)'
contains "$out" 'i am carol' 'login works on a terminal'
is "$status" 5 'and gives the status back'
mux_open alice
begin=$(awk '{ print $1 }' /proc/uptime)
run ssh_as alice 'id -un'
is "$status:$out" 0:alice 'a shared connection carries a command'
note "it took $(awk -v b="$begin" '{ print $1 - b }' /proc/uptime) s"
mux_close alice
hold one dave
is "$(status_field "${HELD[one]}" Uid)" 1005 'a held session is the user'
contains "$(loginctl list-sessions --no-legend)" dave 'logind knows it'
not_ok 'it is in no leaf' leaf_of "${HELD[one]}"
pid=${HELD[one]}
release one
ok 'a released session ends' wait_for 30 test ! -e "/proc/$pid"
for user in "${BV_USERS[@]}"; do
	not_ok "$user does not linger" test -e "/var/lib/systemd/linger/$user"
done
assert_no_leftovers 'there is nothing of a session yet'
