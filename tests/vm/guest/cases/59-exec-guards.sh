# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# What bvisor-shell keeps from its workload, through su: it hands on variables and
# descriptors of whoever calls it. Red partners: tests/red/list.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
back() { usermod -s /bin/bash alice; }
trap back EXIT
usermod -s /usr/bin/bvisor-shell alice
pam_enable su

# through NAME DESC TEXT: does it stand in what the last command said?
came_through() {
	wanted "$1" || return 0
	if [ "$status" -ne 0 ] || [[ $out != *'@ran'* ]]; then
		untried "$1" "$2" 'the workload did not run'
	elif [[ $out == *"$3"* ]]; then
		fail "$1: $2" "THROUGH: $3"
	else
		pass "$1: $2"
	fi
}
leak() { # leak COMMAND: descriptor 7 and a variable are in the caller's hands
	BV_SENTINEL=leaked timeout -k 2 60 su alice -c "$1" 7</etc/hostname
}

if wanted env-leak; then
	policy_student '[environment]' 'policy = exact' 'set = PATH=/usr/bin:/bin'
	run leak 'echo @ran; exec env'
	came_through env-leak 'no variable of the caller' 'BV_SENTINEL'
fi
if wanted fd-none; then
	policy_student '[fds]' 'policy = none'
	run leak 'echo @ran; readlink /proc/$$/fd/7 || true'
	came_through fd-none 'no descriptor of the caller' '/etc/hostname'
fi
if wanted fd-only; then
	policy_student '[fds]' 'policy = only' 'keep = 9'
	run leak 'echo @ran; readlink /proc/$$/fd/7 || true'
	came_through fd-only 'no descriptor but the named one' '/etc/hostname'
fi
if any_wanted spawn-none spawn-threads; then
	policy_student '[spawn]' 'policy = none'
	run su alice -c "echo @ran; exec $ATTACKS/attack-spawn fork clone pthreads"
	status=0 # the attacker's own verdict
	came_through spawn-none 'no task beside the shell' 'through'
	policy_student '[spawn]' 'policy = threads'
	run su alice -c "echo @ran; exec $ATTACKS/attack-spawn fork clone"
	status=0 # the attacker's own verdict
	came_through spawn-threads 'no process beside the threads' 'through'
fi
if [ -z "$BV_ONLY" ]; then
	run su alice -c "exec $ATTACKS/attack-spawn pthreads go-threads"
	contains "$out" 'ATTEMPT pthreads: through' 'control: threads run'
	contains "$out" 'ATTEMPT go-threads: through' "control: so do Go's"
	policy_student
	run leak 'echo $BV_SENTINEL; readlink /proc/$$/fd/7; '"$ATTACKS/attack-spawn fork; true"
	contains "$out" leaked 'control: without the policy the variable is there'
	contains "$out" /etc/hostname 'control: and the descriptor'
	contains "$out" 'ATTEMPT fork: through' 'control: and processes run'
fi
