# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# bvisor.service is restarted, stopped and started while somebody is logged in:
# no session ends or loses its boundary, new logins go on, and the service is back
# by itself at the latest when the last session is over.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd
active() { systemctl is-active --quiet bvisor.service; }

hold first alice
pid=${HELD[first]}
leaf=$(leaf_of "$pid")
max=$(cat "$leaf/pids.max")
systemctl restart bvisor.service >/dev/null 2>&1 || true
note "after the restart: $(systemctl is-active bvisor.service || true)"
ok 'the session lives' test -d "/proc/$pid"
is "$(leaf_of "$pid")" "$leaf" 'in the leaf it was in'
is "$(cat "$leaf/pids.max")" "$max" 'under the limit it had'
ok 'with its guardian' wait_for 30 guarded_by 1
run ssh_as bob 'cat /proc/self/cgroup'
is "$status" 0 'somebody else logs in'
contains "$out" session- 'and is in a leaf'
release first
ok 'the leaf of the first is removed at its end' wait_for 30 test ! -e "$leaf"
ok 'the service is back then' wait_for 30 active

hold second alice
pid=${HELD[second]}
systemctl stop bvisor.service
ok 'a stopped service ends no session' test -d "/proc/$pid"
assert_confined "$pid" 'nor its boundary'
run ssh_as alice 'echo in'
is "$out" in 'and logins go on while its cgroup is there'
systemctl start bvisor.service >/dev/null 2>&1 || true
note "started again: $(systemctl is-active bvisor.service || true)"
release second
ok 'it is back when the sessions are over' wait_for 30 active
run ssh_as alice 'cat /proc/self/cgroup'
contains "$out" bvisor.service/ 'and holds the next one'
assert_no_leftovers
