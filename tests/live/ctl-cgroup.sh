#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisorctl run and the cgroup file systems, as root and as an ordinary user to whom a
# cgroup is delegated, under policies that let them write everything. Where the
# command stands is witnessed in /proc from outside. With a red build beside the
# release one the guard is taken out, and the harm must be seen. Speaks TAP. BV_BUILD
# (or $1) names the build folder.
STAGE=ctlcgroup
. "$(dirname "$0")/bvisorctl-stage.inc"

user_base=$cgroot/bvisor-ctl-cgroup-user-$$
p=$work/run.conf
pid='' # of what is to survive
release=$build/bvisorctl
red=$build-red/bvisorctl # where make puts it beside an O= of the command line
[ -x "$red" ] || red=${build%/*}/red/bvisorctl

clean() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	clean_cgroups "$base" "$user_base"
}
trap clean EXIT
private_places
mount -t tmpfs -o mode=0755 tmpfs /home
mkdir -p "$base" "$user_base/me" /home/cg
chown -R 63001 "$user_base"
rm -rf /etc/bvisor
mkdir -p /etc/bvisor/policies
printf 'cguser:x:63001:63001::/home/cguser:/bin/sh\n' >>/etc/passwd
install -d -m 0700 -o 63001 -g 63001 /home/cguser
printf 'bvisor-config 1\n[bvisor]\nunmatched = allow\ncgroup_base = %s\n' "$base" >/etc/bvisor/bvisor.conf
install -m 0755 "$release" $ctl || exit 1
missing=$($ctl probe --json | jq -r '.requirements | to_entries[] |
	select(.key | IN("Filesystem", "NetworkDenyAll", "Kill", "LaunchWorkload")) |
	select(.value.verdict != "enforced") | .value.missing' | head -n 1)
[ -z "$missing" ] || skip_all "$missing"

n=0 bad=0
say() { # STATUS NAME [WHY]
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' $n "$2"
	else
		bad=$((bad + 1))
		printf 'not ok %d - %s\n' $n "$2"
		printf '%s\n' "${3:-}" "$(head -n 5 "$err")" | sed 's/^/# /'
	fi
}
skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
policy() { # LINE...: everything may be written, and these lines
	printf '%s\n' 'bvisor-policy 1' '[match]' 'user = *' '[filesystem]' \
		'base = system' 'write = /' '[network]' 'access = deny' "$@" >"$p"
	chmod 0644 "$p"
}
as_root() { $ctl run --policy "$p" -- "$@"; }
in_base() { # COMMAND as the user, in the delegated cgroup
	bash -c 'echo $$ >"$0/me/cgroup.procs" && exec setpriv --reuid 63001 --regid 63001 --init-groups "$@"' "$user_base" "$@"
}
as_user() { in_base $ctl run --policy "$p" -- "$@"; }

# How a command leaves: the version 2 hierarchy's root or, a user, the cgroup that it
# has come from, which is its own; one below; then what is to survive.
# shellcheck disable=SC2016 # expanded inside
attack='for dir in '"$cgroot $user_base/me"' /home/cg; do
	echo $$ >$dir/cgroup.procs; mkdir $dir/sub-$$; done 2>&1
for dir in /proc/1/root '"/proc/$$/root"'; do echo $$ >$dir'"$cgroot"'/cgroup.procs; done 2>&1
mount -o remount,bind,rw '"$cgroot"'; umount '"$cgroot"'; unshare -m true'
# leave RUN SECONDS: the command, its sleep watched from outside, and its end. Gives
# where (its cgroup), writable (its mounts that may be written), survives.
where='' writable='' survives=''
leave() {
	local run=$1 sleeps="sleep $2" job
	: >"$out"
	where='' writable='' pid=''
	$run sh -c "$attack; setsid $sleeps & exec sleep 1" >"$out" 2>"$err" </dev/null &
	job=$!
	for _ in $(seq 100); do
		pid=$(pgrep -f "^$sleeps\$" | head -n 1)
		[ -z "$pid" ] || break
		sleep 0.05
	done
	if [ -n "$pid" ]; then
		where=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
		writable=$(grep -E ' - cgroup2? ' "/proc/$pid/mountinfo" | cut -d ' ' -f 6 | grep -vcE '^ro(,|$)')
	fi
	wait $job
	survives=no
	# Of one that died and that nobody reaped yet there is no command line.
	if grep -q sleep "/proc/${pid:-none}/cmdline" 2>/dev/null; then
		survives=yes
		kill "$pid"
	fi
}
# stays NAME: what leave saw is a command that stayed, and ended.
stays() {
	local in=1
	[[ $where =~ /session-[0-9a-f]+$ ]] && in=0
	say $in "$1: it is in its leaf" "in '$where'"
	[ "$writable" = 0 ]
	say $? "$1: none of its cgroup mounts may be written" "$writable"
	[ "$survives" = no ]
	say $? "$1: nothing of it survives"
}
# refuses NAME LINE: the source that PATH names, with file and line.
refuses() {
	as_root touch "$work/ran" >"$out" 2>"$err"
	grep -qE "run.conf:$2: '.*' is in a cgroup file system" "$err"
	say $? "$1: says file and line"
	[ ! -e "$work/ran" ]
	say $? "$1: nothing is run"
}

policy
leave as_root 47.1
stays root_run
grep -q 'Read-only file system' "$out"
say $? 'root_run: the kernel says why' "$(cat "$out")"
policy '[expose]' "read = $cgroot -> /home/cg"
leave as_root 47.1
stays 'root, a cgroup exposed to be read'
policy '[expose]' "write = $cgroot -> /home/cg"
refuses 'root, a cgroup exposed to be written' 10
policy '[expose]' "write = $base"
refuses 'root, a part of one' 10
policy
as_root sh -c 'echo up' >"$out" 2>"$err"
[ "$(cat "$out")" = up ]
say $? 'root, the same without: runs'
sed -i 's:^base = system$:&\nhide = /proc:' "$p"
as_root sh -c 'echo up' >"$out" 2>"$err"
[ "$(cat "$out")" = up ]
say $? 'root, without a /proc to look into: runs' "$(cat "$err")"
policy

users=no
[ "$(in_base unshare --user --map-current-user --net --mount echo works 2>/dev/null)" = works ] && users=yes
if [ $users = yes ]; then
	leave as_user 47.2
	stays user_run
else
	skip 'user_run' 'user namespaces are not for everybody here'
fi

# --- the same without the guard -----------------------------------------------------
if [ ! -x "$red" ]; then
	skip 'without the guard it is seen' 'no red build'
else
	install -m 0755 "$red" $ctl
	echo 'cgroup-ro attest' >/run/bvisor.red
	leave as_root 47.1
	[[ ! $where =~ /session- && $survives = yes ]]
	say $? 'root_run: gets out without cgroup-ro, and is seen' "$where $writable $survives"
	if [ $users = yes ]; then
		leave as_user 47.2
		[ "${where%/sub-*}:$survives" = "${user_base#"$cgroot"}/me:yes" ]
		say $? 'user_run: gets out without cgroup-ro, and is seen' "$where $writable $survives"
	fi
	echo cgroup-ro >/run/bvisor.red
	as_root sh -c 'echo up' >"$out" 2>"$err"
	[ ! -s "$out" ] && grep -q 'may be written in the session' "$err"
	say $? 'root_run: with mounts left writable it is not begun' "$(cat "$out")"
fi
echo "1..$n"
[ $bad -eq 0 ]
