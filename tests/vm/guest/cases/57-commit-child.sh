# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# commit=child: sshd's child is confined and its monitor is not; a child that goes
# astray never becomes the user. Where the kernel has no Landlock signal scope the
# monitor is confined as without the word, and the record says why.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
policy_student
turn=$BV_SRC/build/release/tests/live/pam_turn.so
second=/etc/ssh/bvs_second
rm -f "$second"
pam_enable sshd commit=child
{
	echo "auth [success=1 default=ignore] $turn"
	echo 'auth required pam_bvisor.so'
	cat /etc/pam.d/sshd
} >"$BV_STATE/pam.child"
install -m 0644 "$BV_STATE/pam.child" /etc/pam.d/sshd

newest_record() {
	# shellcheck disable=SC2012 # names of hexadecimal digits
	ls -t /var/lib/bvisor/sessions/*.json | sed -n 1p
}
abi=$(bvisorctl probe | awk '$1 == "landlock.abi" { print $2 }')

if [ -z "$BV_ONLY" ]; then
	hold one alice
	pid=${HELD[one]}
	child=$(status_field "$pid" PPid)
	monitor=$(status_field "$child" PPid)
	assert_confined "$pid" 'the session is in a leaf under limit and filter'
	assert_confined "$child" 'sshd as the user is too'
	is "$(leaf_of "$child")" "$(leaf_of "$pid")" 'in the same leaf'
	isnt "$(ns_of "$child" net)" "$(ns_of 1 net)" 'in a network of its own'
	if [ "$abi" -ge 6 ]; then
		not_ok 'the monitor is in no leaf' leaf_of "$monitor"
		is "$(ns_of "$monitor" mnt)" "$(ns_of 1 mnt)" 'but in the mounts of the machine'
		is "$(ns_of "$monitor" net)" "$(ns_of 1 net)" 'and in its network'
	else
		is "$(leaf_of "$monitor")" "$(leaf_of "$pid")" \
			'without a signal scope the monitor is in the leaf'
	fi
	journal_mark
	release one
	record=$(newest_record)
	ok 'the record is sealed' wait_for 30 grep -q '"closed"' "$record"
	if [ "$abi" -ge 6 ]; then
		for kind in attested_gate commit_in_child; do
			ok "it says $kind" grep -q "\"$kind\"" "$record"
		done
	else
		ok 'it says commit_in_leader' grep -q '"commit_in_leader"' "$record"
	fi
	assert_log_quiet 'nothing is amiss in the log'
	outside alice read write
	install -d -o alice -g alice /home/alice/in
	tries alice attack-fs "OUT=$OUT IN=/home/alice/in PID=1" read write
	stopped read EACCES 'reading outside the declared roots'
	# Below ABI 3 the read-only view is what says no first.
	stopped write "$([ "$abi" -ge 3 ] && echo EACCES || echo EROFS)" \
		'writing outside the declared roots'
	run sftp_as alice <<<"put /etc/hostname from-sftp"
	is "$status" 0 'control: sftp works'
	run terminal -t 60 -- ssh -tt alice@127.0.0.1 'test -t 0 && echo @terminal'
	contains "$out" '@terminal' 'control: so does a terminal'
fi

# astray NAME MODE DESC
astray() {
	wanted "$1" || return 0
	rm -f /home/alice/astray
	echo "$2" >"$second"
	run ssh_as alice 'echo ran >~/astray'
	rm -f "$second"
	unharmed "$1" "$3" test ! -e /home/alice/astray
}
if [ "$abi" -ge 6 ]; then
	astray skip skip 'a child that never asks does not become the user'
	astray orphan orphan 'nor does one whose guardian is gone'
	astray skip-orphan 'skip orphan' 'nor one of both kinds'
fi
if [ -z "$BV_ONLY" ]; then
	pam_enable su commit=child
	run su_as alice 'grep -c session- /proc/self/cgroup; grep ^Seccomp: /proc/self/status'
	matches "$out" 'Seccomp:.*2' 'in su the word changes nothing: confined'
	run ssh_as alice 'id -un'
	is "$out" alice 'control: the same user logs in again'
	# a guardian that ends sweeps what the killed ones left
	none_left() { [ -z "$(leftovers)" ]; }
	swept() { ssh_as alice true && wait_for 10 none_left; }
	ok 'the killed guardians leave nothing behind' wait_for 60 swept
fi
