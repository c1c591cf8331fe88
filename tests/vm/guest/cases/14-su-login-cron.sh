# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# The other ways into an account: su, login on a terminal, a cron job.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine su login cron
leave='echo $$ >~/pid.new; mv ~/pid.new ~/pid; exec sleep 300'
came() { rm -f /home/alice/pid; "$@" >/dev/null 2>&1 & }
pid_of_it() { wait_for "$1" test -s /home/alice/pid && cat /home/alice/pid; }
check() { # check SECONDS DESC
	local pid
	if ! pid=$(pid_of_it "$1"); then
		fail "$2 runs" 'its process never came'
		return 0
	fi
	rm -f /etc/cron.d/guest-test # or the next minute has one more
	assert_confined "$pid" "$2 is inside"
	is "$(status_field "$pid" Uid)" 1001 'as the user'
	isnt "$(ns_of "$pid" net)" "$(ns_of 1 net)" 'without the network'
	kill -KILL "$pid" 2>/dev/null || true
	wait || true
	assert_no_leftovers "nothing is left of $2"
}

run su_as alice 'echo "$PWD:$(id -un)"; exit 11'
is "$status:$out:$err" 11:/home/alice:alice: 'su - works, with its status'
run su alice -c 'exit 12'
is "$status" 12 'su works as well'
came su_as alice "$leave"
check 60 'su -'
run su_as carol 'id -un'
is "$out" carol 'an unmatched account goes on'

# shellcheck disable=SC2016 # for the shell of alice
run login_as alice 'tty; id -un; (exit 6)'
is "$status" 6 'login works on a terminal, with its status'
contains "$out" alice 'as the user'
came login_as alice "$leave"
check 60 login

came true
cron_once alice "$leave"
check 150 'the cron job'
