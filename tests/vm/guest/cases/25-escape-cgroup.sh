# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# Leaving the leaf by writing a cgroup.procs, even where somebody was careless
# with the permissions of the files.
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

no='EACCES|EPERM|EROFS'
# shellcheck disable=SC2086 # words
tries alice attack-task "DIR=$careless" ${BV_ONLY:-cgroup-own cgroup-parent \
	cgroup-root cgroup-user cgroup-careless cgroup-any cgroup-limit cgroup-mkdir}
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
if [ -z "$BV_ONLY" ]; then
	mkdir -p "$careless"
	chown alice: "$careless/cgroup.procs" "$CGROUPS/cgroup.procs"
	pam_disable sshd
	tries alice attack-task "DIR=$careless" cgroup-careless
	all_through 'without the boundary that works' cgroup-careless
fi
