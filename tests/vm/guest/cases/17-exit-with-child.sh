# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# The login ends while a child of it still runs: the status is right, nothing
# hangs, nothing is left.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd su

begin=$SECONDS
# shellcheck disable=SC2016 # for the remote shell
run ssh_as alice 'sleep 1001 >/dev/null 2>&1 </dev/null & echo $!; exit 5'
is "$status" 5 'ssh comes back with the status'
at_most "$((SECONDS - begin))" 50 'without waiting for the child'
pid=$out
ok 'the child is ended' wait_for 30 test ! -e "/proc/$pid"
assert_no_leftovers 'nothing is left of the session'

# shellcheck disable=SC2016
run su_as alice 'sleep 1002 >/dev/null 2>&1 </dev/null & echo $!; exit 6'
is "$status" 6 'su comes back with the status'
ok 'its child is ended' wait_for 30 test ! -e "/proc/$out"

# Many exits at once, a stopped process, and a tree. The one that is stopped has
# to be past its redirections: until then it holds the login's own output.
# shellcheck disable=SC2016
run ssh_as alice 'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 1003 & sleep 1003) >/dev/null 2>&1 </dev/null & done
	sleep 1003 >/dev/null 2>&1 </dev/null & p=$!
	until grep -qx sleep /proc/$p/comm; do sleep 0.1; done; kill -STOP $p; exit 7'
is "$status" 7 'a tree with a stopped process changes nothing'
ok 'all of it is ended' wait_for 30 sh -c '! pgrep -fx "sleep 1003"'
