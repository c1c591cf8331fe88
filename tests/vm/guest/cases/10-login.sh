# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# A matched account logs in over ssh and every process of the session is inside
# the boundary; others are untouched by the module's presence.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd

run ssh_as alice 'id -un'
is "$status:$out" 0:alice 'a matched account logs in'
is "$err" '' 'and nothing is said on its terminal'
assert_no_leftovers 'nothing is left after the logout'

hold one alice
pid=${HELD[one]}
assert_confined "$pid" 'the command is in a limited leaf under a filter'
is "$(status_field "$pid" NoNewPrivs)" 1 'it cannot gain privileges'
leaf=$(leaf_of "$pid")
is "$(cat "$leaf/pids.max")" 64 'the task limit is the one of the policy'
is "$(cat "$leaf/memory.max")" 536870912 'so is the memory limit'
isnt "$(ns_of "$pid" net)" "$(ns_of 1 net)" 'its network is its own'
isnt "$(ns_of "$pid" mnt)" "$(ns_of 1 mnt)" 'its mounts are its own'
is "$(ns_of "$pid" user)" "$(ns_of 1 user)" 'its user namespace is not'

# Every process between the listening sshd and the command.
all=0 confined=0 walk=$pid
while [ "$walk" -gt 1 ]; do
	case $(tr '\0' ' ' <"/proc/$walk/cmdline") in
	*listener*) break ;;
	esac
	all=$((all + 1))
	[ "$(leaf_of "$walk" || true):$(status_field "$walk" Seccomp)" != "$leaf:2" ] ||
		confined=$((confined + 1))
	walk=$(status_field "$walk" PPid)
done
at_least "$all" 2 'the session has several processes'
is "$confined" "$all" 'all of them, the leader too, are inside'
is "$(sort -n "$leaf/cgroup.procs" | grep -cx "$pid")" 1 'the leaf lists the command'
ok 'one guardian watches' wait_for 30 guarded_by 1
guardian=$(supervisors)
not_ok 'the guardian is not in the leaf' grep -qx "$guardian" "$leaf/cgroup.procs"
is "$(status_field "$guardian" Uid)" 0 'and it is root'
release one
ok 'the leaf goes with the session' wait_for 30 test ! -d "$leaf"
ok 'so does the guardian' wait_for 30 test ! -d "/proc/$guardian"

run ssh_as carol 'id -un'
is "$status:$out:$err" 0:carol: 'an unmatched account logs in as ever'
hold two carol
not_ok 'it is in no leaf' leaf_of "${HELD[two]}"
is "$(status_field "${HELD[two]}" Seccomp)" 0 'under no filter'
is "$(ns_of "${HELD[two]}" mnt)" "$(ns_of 1 mnt)" 'with the mounts of all'
release two
run ssh_as root 'cat /proc/self/status'
is "$status" 0 'root logs in'
lacks "$out" $'Seccomp:\t2' 'and is exempt'
