# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# Leaving the leaf by writing a cgroup.procs, even where somebody was careless
# with the permissions of the files, and even as root, whom a policy names and lets
# write everything.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

careless=$CGROUPS/careless
mkdir -p "$careless"
outside alice
mux_open alice
hold keeper alice -o ControlPath="$BV_STATE/mux.%r"
leaf=$(leaf_of "${HELD[keeper]}")
touched=("$CGROUPS/cgroup.procs" "$careless/cgroup.procs" "$leaf/cgroup.procs"
	"$leaf/pids.max" "${leaf%/*}/cgroup.procs")
restore() {
	for file in "${touched[@]}"; do
		# The leaf may be on its way out.
		chown root: "$file" 2>/dev/null || [ ! -e "$file" ]
	done
	rmdir "$careless" 2>/dev/null || true
}
trap 'restore; _mux_close_all' EXIT
chown alice: "${touched[@]}" "$leaf"

# Those of root have names of their own.
users='' roots=''
for name in ${BV_ONLY:-cgroup-own cgroup-parent cgroup-root cgroup-user \
	cgroup-careless cgroup-any cgroup-limit cgroup-mkdir root-own root-parent \
	root-root root-careless root-any root-limit root-mkdir}; do
	case $name in
	root-*) roots+=" cgroup-${name#root-}" ;;
	*) users+=" $name" ;;
	esac
done

no='EACCES|EPERM|EROFS'
# shellcheck disable=SC2086 # words
[ -z "$users" ] || tries alice attack-task "DIR=$careless" $users
stopped cgroup-own "$no" 'the cgroup.procs of its own leaf'
stopped cgroup-parent "$no" 'the one above'
stopped cgroup-root "$no" 'the one of the root'
stopped cgroup-user "$no|ENOENT" "the one of the user's systemd"
stopped cgroup-careless "$no" 'one that is open to the user'
stopped cgroup-any "$no" 'any cgroup.procs there is'
stopped cgroup-limit "$no" 'its own task limit'
stopped cgroup-mkdir "$no" 'a cgroup of its own below the leaf'
if [ -z "$BV_ONLY" ]; then
	is "$(cat "$leaf/pids.max")" 64 'the limit is what it was'
	is "$(find "$leaf" -mindepth 1 -type d)" '' 'the leaf has no children'
	# A shell tries to move itself while root looks.
	ssh_as alice "echo \$\$ >$careless/cgroup.procs; echo \$\$ >$CGROUPS/cgroup.procs; exec sleep 1025" \
		>/dev/null 2>&1 &
	tried=$!
	wait_for 30 pgrep -u alice -fx 'sleep 1025' || true
	is "$(cat "$careless/cgroup.procs")" '' 'nobody arrived there'
	is "$(leaf_of "$(pgrep -u alice -fx 'sleep 1025')")" "$leaf" \
		'the shell is still in its leaf'
	pkill -u alice -fx 'sleep 1025' || true
	wait "$tried" || true
fi
release keeper
mux_close alice
restore

# Nothing but the view keeps root from them.
mkdir -p "$careless"
set_policy root <<'END'
bvisor-policy 1
[match]
user = root
[filesystem]
base = system
write = /
[network]
access = deny
[budget]
processes = 64
END
if [ -n "$roots" ]; then
	# shellcheck disable=SC2086 # words
	tries root attack-task "DIR=$careless" $roots
	for name in $roots; do
		VERDICT[root-${name#cgroup-}]=${VERDICT[$name]:-}
	done
fi
stopped root-own EROFS 'root: the cgroup.procs of its own leaf'
stopped root-parent EROFS 'root: the one above'
stopped root-root EROFS 'root: the one of the root'
stopped root-careless EROFS 'root: one of another'
stopped root-any EACCES 'root: any cgroup.procs there is' # its word for none
stopped root-limit EROFS 'root: its own task limit'
stopped root-mkdir EROFS 'root: a cgroup of its own below the leaf'
if [ -z "$BV_ONLY" ]; then
	ssh_as root "for d in $careless $CGROUPS /proc/1/root$CGROUPS; do
		echo \$\$ >\$d/cgroup.procs; done; setsid sleep 471 & exec sleep 4" \
		>/dev/null 2>&1 &
	session=$!
	wait_for 20 pgrep -x -f 'sleep 471'
	stray=$(pgrep -x -f 'sleep 471' | head -n 1)
	contains "$(cat "/proc/$stray/cgroup")" /session- 'root: a shell is still in a leaf'
	is "$(awk '/ - cgroup2? / && $6 !~ /^ro(,|$)/' "/proc/$stray/mountinfo")" '' \
		'root: none of its cgroup mounts may be written'
	wait "$session" || true
	ok 'root: what it left behind ends with it' wait_for 20 absent "/proc/$stray"
fi
rm -f "$BV_CONF/policies/root.conf"
rmdir "$careless" 2>/dev/null || true
if [ -z "$BV_ONLY" ]; then
	mkdir -p "$careless"
	chown alice: "$careless/cgroup.procs" "$CGROUPS/cgroup.procs"
	pam_disable sshd
	tries alice attack-task "DIR=$careless" cgroup-careless
	all_through 'without the boundary that works' cgroup-careless
	tries root attack-task "DIR=$careless" cgroup-careless cgroup-root
	all_through 'and for root all of it' cgroup-careless cgroup-root
fi
