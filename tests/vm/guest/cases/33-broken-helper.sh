# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# in: bookworm
# timeout: 420
# The helper missing, hung, killed at any moment, without memory; nowhere to
# write the record; no cgroup base: refused, or confined, and nothing between.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
# shellcheck disable=SC2034 # for pam_enable: the module's own
BV_DEADLINE=''
install_attacks
confine sshd
mv_back() {
	[ ! -e "$BV_HELPER.real" ] || mv -f "$BV_HELPER.real" "$BV_HELPER"
	rm -f /run/bvisor.false
	umount /var/lib/bvisor 2>/dev/null || true
	systemctl start bvisor.service
}
trap 'mv_back; _mux_close_all' EXIT

undo() { :; } # what must be put right before looking for what is left
# refused DESC LOG-REGEX: alice is, for a while at most; root is not.
refused() {
	local desc=$1 want=$2 begin=$SECONDS said
	journal_mark
	run ssh_as alice 'echo inside'
	took=$((SECONDS - begin))
	if ! wanted "${3:-}" && [ -n "$BV_ONLY" ]; then return 0; fi
	if [[ $out == *inside* ]]; then
		fail "${3:+$3: }$desc: refused" "THROUGH: a session was given"
		return 0
	fi
	pass "${3:+$3: }$desc: refused"
	[ -z "$BV_ONLY" ] || return 0
	at_most "$took" 50 "$desc: soon"
	lacks "$out$err" "$BV_HELPER" "$desc: the user learns no path"
	said=$(journal_since -o cat | grep -i bvisor || true)
	matches "$said" "$want" "$desc: the log says why"
	run ssh_as root 'echo root'
	is "$status:$out" 0:root "$desc: root gets in"
	undo
	assert_no_leftovers "$desc: nothing is left"
	not_ok "$desc: no helper runs on" pgrep -f 'bvisor-helper guard'
}
in_place() { # in_place WORD...: the false helper, doing that
	[ -e "$BV_HELPER.real" ] || mv "$BV_HELPER" "$BV_HELPER.real"
	install -m 0755 "$BV_SRC/build/release/tests/escape/false-helper" "$BV_HELPER.new"
	mv -f "$BV_HELPER.new" "$BV_HELPER"
	echo "$*" >/run/bvisor.false
}
for stage in account session; do
	if [ $stage = account ]; then pam_enable sshd; else pam_enable -s sshd; fi
	mv "$BV_HELPER" "$BV_HELPER.real"
	refused "no helper ($stage)" 'bvisor-helper' "missing-$stage"
	in_place hang
	refused "a hung helper ($stage)" 'deadline' "hung-$stage"
	in_place exit
	refused "a helper that ends ($stage)" 'guardian' "ended-$stage"
	if [ -z "$BV_ONLY" ]; then
		in_place garbage
		refused "a helper that talks nonsense ($stage)" 'bvisor'
		in_place memory 3000
		refused "a helper without memory ($stage)" 'bvisor'
		chmod 0777 "$BV_HELPER"
		refused "a helper that others may write ($stage)" 'root alone'
	fi
	mv -f "$BV_HELPER.real" "$BV_HELPER"
done
# What follows is to be let in, however slow the machine is.
BV_DEADLINE='deadline=20'
pam_enable -s sshd
run ssh_as alice 'echo inside'
is "$out" inside 'with the helper back: in'

# Killed at many moments of a login: never a session without its boundary.
if [ -z "$BV_ONLY" ]; then
	loose='' given=0 tries=0
	# shellcheck disable=SC2016 # for the remote shell
	for ms in 5 20 40 60 80 100 130 160 200 300 600; do
		in_place kill "$ms"
		tries=$((tries + 1))
		run ssh_as alice 'grep -h "^Seccomp:\|^NoNewPrivs:" /proc/self/status | tr -d "\n\t"; cat /proc/self/cgroup'
		case $out in
		*Seccomp:2*0::*/session-*) given=$((given + 1)) ;;
		*0::*) loose+="after $ms ms: $out" ;;
		esac
	done
	mv -f "$BV_HELPER.real" "$BV_HELPER"
	note "killed $tries times, $given sessions were there already"
	is "$loose" '' 'a helper killed at any moment: no session without its boundary'
	run ssh_as alice 'echo inside'
	is "$out" inside 'the next login works'
	# A leaf without a state file may be one that is being made: it is
	# swept when it is a minute old.
	[ -z "$(leaves)" ] || sleep 61
	run ssh_as alice 'echo inside'
	is "$out" inside 'and the one after it'
	assert_no_leftovers 'which swept what the killed ones left'
fi
mv_back

# --- nowhere to write

mkdir -p /var/lib/bvisor
mount --bind /var/lib/bvisor /var/lib/bvisor
mount -o remount,bind,ro /var/lib/bvisor
undo() { umount /var/lib/bvisor 2>/dev/null || true; }
refused 'a read-only /var' 'ead-only' read-only
undo
mount -t tmpfs -o size=64k,mode=0700 tmpfs /var/lib/bvisor
mkdir -m 0700 /var/lib/bvisor/sessions
dd if=/dev/zero of=/var/lib/bvisor/fill bs=4k 2>/dev/null || true
refused 'a full disk' 'o space left' full-disk
undo

# --- no base

if [ -z "$BV_ONLY" ]; then
	systemctl stop bvisor.service
	journal_mark
	# shellcheck disable=SC2016
	run ssh_as alice 'grep "^Seccomp:" /proc/self/status; cat /proc/self/cgroup'
	note "bvisor.service stopped: status $status, $out"
	case $out in
	*Seccomp:*2*session-*) pass 'bvisor.service stopped: confined elsewhere' ;;
	*Seccomp:*) fail 'bvisor.service stopped: refused' "THROUGH: $out" ;;
	*) pass 'bvisor.service stopped: refused'
		contains "$(journal_since -o cat)" bvisor 'the log says why' ;;
	esac
	run ssh_as root 'echo root'
	is "$status:$out" 0:root 'root gets in'
	assert_no_leftovers 'nothing is left'
	systemctl start bvisor.service
	run ssh_as alice 'echo inside'
	is "$out" inside 'started again: in'
	# Restarted under a live session.
	hold one alice
	systemctl restart bvisor.service || true
	assert_confined "${HELD[one]}" 'a session outlives a restart of the service'
	run ssh_as alice 'echo second'
	is "$out" second 'and logins go on meanwhile'
	release one
fi
