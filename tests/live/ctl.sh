#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisorctl on this kernel, as root and as an ordinary user, in a private mount
# namespace with a copy of /etc. What `run` confines is witnessed on the disk, in
# cgroupfs and in /proc from outside. Speaks TAP. BV_BUILD (or $1) names the
# build folder.
STAGE=ctl
. "$(dirname "$0")/bvisorctl-stage.inc"

# --- the stage -----------------------------------------------------------------
user_base=$cgroot/bvisor-ctl-user-$$

clean() { clean_cgroups "$base" "$user_base"; }
trap clean EXIT

private_places
mount -t tmpfs -o mode=0755 tmpfs /home
mkdir -p "$base" /srv
install -m 0755 "$build/bvisorctl" $ctl || exit 1
put_ours
rm -rf /etc/bvisor
mkdir -p /etc/bvisor/policies
rm -f /etc/pam.d/systemd-user
printf 'ctluser:x:63001:63001::/home/ctluser:/bin/sh\nctlother:x:63002:63002::/home/ctlother:/bin/sh\n' >>/etc/passwd
printf 'ctluser:x:63001:\nctlother:x:63002:\nctlgroup:x:63003:ctluser\n' >>/etc/group
install -d -m 0700 -o 63001 -g 63001 /home/ctluser
install -d -m 0700 -o 63002 -g 63002 /home/ctlother
printf 'bvisor-config 1\n[bvisor]\nunmatched = allow\ncgroup_base = %s\n' "$base" >/etc/bvisor/bvisor.conf
missing=$($ctl probe --json | jq -r '.requirements | to_entries[] |
	select(.key | IN("Filesystem", "NetworkDenyAll", "TempRoot", "Kill", "LaunchWorkload")) |
	select(.value.verdict != "enforced") | .value.missing' | head -n 1)
[ -z "$missing" ] || skip_all "$missing"
mkdir "$work/outside"
echo secret >"$work/outside/secret"
chmod 0777 "$work/outside"
chmod 0666 "$work/outside/secret"

n=0 bad=0
t() { # t NAME COMMAND...
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/said" 2>&1; then
		printf 'ok %d - %s\n' $n "$name"
	else
		bad=$((bad + 1))
		printf 'not ok %d - %s\n' $n "$name"
		{
			cat "$work/said"
			echo "stdout:"
			tail -n 15 "$out"
			echo "stderr:"
			tail -n 15 "$err"
		} | sed 's/^/# /'
	fi
}
# status WANT COMMAND...: its output in $out and $err.
status() {
	local want=$1 got
	shift
	"$@" >"$out" 2>"$err" </dev/null
	got=$?
	echo "exit status $got, not $want: $*"
	[ $got -eq "$want" ]
}
said() { grep -qE -- "$1" "$out"; }
complained() { grep -qE -- "$1" "$err"; }
json() { python3 -m json.tool <"$out" >/dev/null && jq -e "$1" "$out"; }
until_true() { # within 30 s
	for _ in $(seq 600); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}
leaves() { find "$base" "$user_base" -maxdepth 2 -name 'session-*' 2>/dev/null; }
no_leaf() { [ -z "$(leaves)" ]; }
no_state() { [ -z "$(ls /run/bvisor/sessions 2>/dev/null)" ]; }

# policy FILE [LINE...]: a policy of one home, without network; lines are added.
policy() {
	local file=$1
	shift
	{
		printf '%s\n' 'bvisor-policy 1' '[match]' 'user = ctluser' \
			'[filesystem]' 'base = system' 'write = /home/ctluser' \
			'[network]' 'access = deny'
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$file"
	chmod 0644 "$file"
}
p=$work/run.conf
policy "$p"

# --- check ---------------------------------------------------------------------
c=$work/conf
fresh() {
	rm -rf "$c"
	mkdir -p "$c/policies"
	printf 'bvisor-config 1\n[bvisor]\nunmatched = allow\ncgroup_base = %s\n' "$base" >"$c/bvisor.conf"
}
# /var/tmp is everybody's: a configuration there is not believed.
c=/srv/bvisor-ctl-$$
trap 'clean; rm -rf "$c"' EXIT
fresh
policy "$c/policies/one.conf"
t 'check: a sound configuration' status 0 $ctl check --config "$c"
t 'check: says how much it read' said '1 policies, 0 errors'
t 'check: no PAM line is a warning' said 'warning: .*nobody is confined'
policy "$c/policies/two.conf" '[budget]' 'procesess = 3'
t 'check: an unknown key is an error' status 1 $ctl check --config "$c"
t 'check: with file and line' said "error: $c/policies/two.conf:10: .*procesess"
t 'check --json' status 1 $ctl check --config "$c" --json
t 'check --json is valid and counts' json '.errors == 1 and .policies == 2 and (.findings | map(select(.level == "error")) | length == 1)'
fresh
policy "$c/policies/one.conf"
chmod 0666 "$c/policies/one.conf"
t 'check: a file others can write' status 1 $ctl check --config "$c"
t 'check: says whose fault' said 'error: .*one.conf: mode 0666'
fresh
policy "$c/policies/one.conf"
ln -s one.conf "$c/policies/link.conf"
t 'check: a symbolic link is not believed' status 1 $ctl check --config "$c"
fresh
printf 'bvisor-config 1\n[bvisor]\nunmached = refuse\n' >"$c/bvisor.conf"
t 'check: a broken bvisor.conf' status 1 $ctl check --config "$c"
t 'check: with file and line of it' said 'error: .*bvisor.conf:3: .*unmached'
t 'check: a directory that others can write is not believed' status 1 $ctl check --config /var/tmp
mv /etc/bvisor "$work/away"
t 'check: no configuration at all is none' status 0 $ctl check
mv "$work/away" /etc/bvisor
t 'check: a configuration that is not there' status 3 $ctl check --config "$c-none"
fresh
policy "$c/policies/a.conf"
policy "$c/policies/b.conf"
t 'check: a policy that never decides' status 0 $ctl check --config "$c"
t 'check: is named with the one before it' said "warning: .*b.conf never decides: 'a'"
fresh
policy "$c/policies/a.conf" '[budget]' 'cpu = 1min enforced'
t 'check: a policy this machine refuses' status 0 $ctl check --config "$c"
t 'check: is told with its reason' said "warning: 'a' refuses .*cpu.*needs an enforced limit"
fresh
policy "$c/policies/a.conf" '[budget]' 'storage = 1M' '[outbox]' \
	'path = /tmp/out' 'commit = atomic' 'to = /srv/no-such-target'
t 'check: an outbox whose target is not there' status 0 $ctl check --config "$c"
t 'check: is told with its line' said "warning: 'a' refuses .*a.conf:14: .outbox. to: .*no-such-target"
# opens KEY VALUE: the policy with it, for everybody; explain and check in $out, $err.
opens() {
	fresh
	policy "$c/policies/one.conf"
	sed -i "s,^write = .*,$1 = $2," "$c/policies/one.conf"
	shift 2
	[ $# -eq 0 ] || printf '%s\n' "$@" >>"$c/policies/one.conf"
	$ctl check --config "$c" >"$out" 2>"$err"
}
opens read /nonexistent
t 'check: a path that is not there' said "warning: 'one' refuses .*one.conf:6: .*/nonexistent.*create it, or put '-' in front"
t 'explain: it refuses' status 1 $ctl explain ctluser --config "$c"
t 'explain: as a decision' said '^decision +refused$'
t 'explain: with file, line, reason and remedy' said "^because +$c/policies/one.conf:6: .*/nonexistent.*ENOENT.*; create it, or put '-' in front$"
t 'explain: and when' said '^when +the session begins'
t 'explain --json: it refuses' status 1 $ctl explain ctluser --config "$c" --json
t 'explain --json: says the same' json '.decision == "refused" and .stage == "session" and .refusal.membrane == "config" and (.refusal.text | test("one.conf:6: "))'
opens read -/nonexistent
t 'check: an optional one may be absent' bash -c "! grep -q nonexistent '$out'"
t 'explain: an optional one may be absent' status 0 $ctl explain ctluser --config "$c"
ln -s /etc /home/ctluser/planted
chown -h 63001:63001 /home/ctluser/planted
opens write '~/planted'
t 'check: asks nothing of paths that hang on the user' bash -c "! grep -q planted '$out'"
t 'explain: a link that the user planted' status 1 $ctl explain ctluser --config "$c"
t 'explain: is told as one' said '^because +.*one.conf:6: .*symbolic link'
rm /home/ctluser/planted
opens write '~/later'
t 'explain: what the home lacks is no refusal' status 0 $ctl explain ctluser --config "$c"
t 'explain: but a note' said '^note +.*one.conf:6: .*/home/ctluser/later.*pam_mkhomedir'
opens write /srv '[expose]' 'read = /usr -> /srv/no-such-spot'
t 'explain: a destination that is not there' status 1 $ctl explain ctluser --config "$c"
t 'explain: with its line' said '^because +.*one.conf:10: destination ./srv/no-such-spot. does not exist; create it'
opens write /srv '[temp]' 'private = no' '[expose]' "read = /usr -> /tmp/no-such-spot-$$"
t 'explain: nor one in the /tmp of the machine' status 1 $ctl explain ctluser --config "$c"
opens write /srv '[expose]' 'read = /usr -> /mnt' 'read = /etc -> /mnt/share'
t 'explain: one that another exposed path brings' status 0 $ctl explain ctluser --config "$c"
opens write /srv '[budget]' 'storage = 1M' '[outbox]' 'path = /tmp/o' 'commit = atomic' 'to = /srv/no-such-%u'
t 'explain: an outbox to nowhere' status 1 $ctl explain ctluser --config "$c"
t 'explain: with the line of it' said '^because +.*one.conf:14: .outbox. to: .*no-such-ctluser.*; create it'
opens hide /
t 'explain: / cannot be hidden' status 1 $ctl explain ctluser --config "$c"
t 'explain: by the file alone' said "^because +.*one.conf:6: .*hide: '/' is all there is"
# where DIRS: bvisor.conf with these lines, and a policy; check in $out.
where() {
	fresh
	policy "$c/policies/one.conf"
	printf '%s\n' "$@" >>"$c/bvisor.conf"
	$ctl check --config "$c" >"$out" 2>"$err"
}
where 'state_dir = /etc/passwd' 'run_dir = /etc/group/x'
t 'check: a state_dir that is a file' said 'error: .*state_dir: .*/etc/passwd.*ENOTDIR'
t 'check: a run_dir below one' said 'error: .*run_dir: .*/etc/group/x.*ENOTDIR'
t 'check: two errors' said '1 policies, 2 errors'
install -d -m 0755 -o 63001 "$work/theirs"
install -d -m 0700 "$work/theirs/s"
where "state_dir = $work/theirs/s"
t 'check: a state_dir that a user can rename away' said "error: .*state_dir: .*'theirs' belongs to uid 63001"
mkdir -m 0700 /run/one-dir
ln -s . /run/itself
where 'state_dir = /run/one-dir' 'run_dir = /run/itself/one-dir'
t 'check: one directory by two names' said 'error: .*are one directory'
rm -rf /run/one-dir /run/itself
where 'state_dir = /run/s-not-there-yet' 'run_dir = /run/r-not-there-yet'
t 'check: directories that a session would make' said '1 policies, 0 errors'
t 'check: makes none of them' bash -c '! ls -d /run/*-not-there-yet'
fresh
cp etc/policies/*.conf "$c/policies/"
cp etc/bvisor.conf "$c/"
t 'check: the examples are sound' status 0 $ctl check --config "$c"
t 'check: all of them' said '4 policies, 0 errors'
fresh
policy "$c/policies/one.conf"
cp etc/pam.d/bvisor /etc/pam.d/ctltest
t 'check: PAM lines are seen' status 0 $ctl check --config "$c"
t 'check: account and session' said 'note: /etc/pam.d/ctltest: account and session'
printf '@include ctlcommon\nsession required pam_bvisor.so\n' >/etc/pam.d/ctltest
printf 'session optional pam_systemd.so\naccount required pam_bvisor.so\n' >/etc/pam.d/ctlcommon
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: included files count' said 'note: /etc/pam.d/ctltest: account and session'
printf 'account required pam_bvisor.so\nsession required pam_bvisor.so\n@include ctlcommon\n' >/etc/pam.d/ctltest
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: our line before pam_systemd' said 'warning: /etc/pam.d/ctltest: pam_systemd.so stands behind'
printf 'session optional pam_bvisor.so\n' >/etc/pam.d/ctltest
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: a line whose refusal is not heeded' said 'warning: /etc/pam.d/ctltest: .*optional'
printf 'session required pam_bvisor.so quiet commit=child\n' >/etc/pam.d/ctltest
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: commit=child without an auth line' said 'warning: /etc/pam.d/ctltest: commit=child without'
printf 'auth required pam_bvisor.so\nsession required pam_bvisor.so commit=child\n' >/etc/pam.d/ctltest
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: with one' bash -c "! grep -q 'commit=child' '$out'"
printf 'session optional pam_bvisor.so\n' >/etc/pam.d/ctltest
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: session without account' said 'warning: /etc/pam.d/ctltest: session without'
printf '@include ctltest\n' >/etc/pam.d/ctltest
t 'check: files that include each other end' status 0 timeout 100 $ctl check --config "$c"
rm -f /etc/pam.d/ctltest /etc/pam.d/ctlcommon
: >/etc/pam.d/systemd-user
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: the user service manager is not covered' said 'warning: /etc/pam.d/systemd-user: add'
printf 'account required pam_bvisor.so\n' >/etc/pam.d/systemd-user
$ctl check --config "$c" >"$out" 2>"$err"
t 'check: the user service manager is covered' bash -c "! grep -q systemd-user: '$out'"
rm -f /etc/pam.d/systemd-user
t 'check: wrong usage' status 2 $ctl check --nonsense

# --- explain, probe --------------------------------------------------------------
fresh
policy "$c/policies/one.conf"
sed -i 's/^user = ctluser/&\nservice = sshd/' "$c/policies/one.conf"
t 'explain: admitted' status 0 $ctl explain ctluser --config "$c"
t 'explain: names policy and file' said "^policy +one \($c/policies/one.conf\)"
t 'explain: names the mechanism of a requirement' said '^NetworkDenyAll +enforced +linux:empty_netns'
t 'explain: with the line that asks' said '^Filesystem .* 6  \[filesystem\]'
plan=$(sed -nE 's/^plan +//p' "$out")
t 'explain: a plan id' grep -qxE '[0-9a-f]{64}' <<<"$plan"
t 'explain --json' status 0 $ctl explain ctluser --config "$c" --json
t 'explain --json says the same' json ".decision == \"admitted\" and .plan == \"$plan\" and (.requirements | length >= 5)"
t 'explain --trace' status 0 $ctl explain ctluser --config "$c" --trace
t 'explain --trace: every membrane is passed' bash -c "[ \$(grep -cE '^(config|unmatched|action|conflict|workload|profile-drift|support|evidence|budget|schedule|divergence) +passed$' '$out') = 11 ]"
t 'explain --trace: both evaluators admit' bash -c "grep -qE '^reference +admitted$' '$out' && grep -qE '^table +admitted$' '$out' && grep -qE '^evaluators +agree$' '$out'"
t 'explain --trace: the steps, the record first' bash -c "grep -A1 '^PHASE' '$out' | grep -q 'guardian  *linux.record.started'"
t 'explain --trace --json' status 0 $ctl explain ctluser --config "$c" --trace --json
t 'explain --trace --json says the same' json ".plan == \"$plan\" and .trace.agree and (.trace.membranes | map(.verdict) | unique) == [\"passed\"] and (.schedule.steps | length > 10)"
policy "$c/policies/one.conf" '[budget]' 'storage = 1M' \
	'[expose]' 'read = -/srv/in -> ~/in' \
	'[outbox]' 'path = /tmp/%u' 'commit = durable' 'to = /srv/out' 'mode = 0640'
$ctl explain ctluser --config "$c" >"$out" 2>"$err"
t 'explain: what is exposed' said '^ +12 r- /srv/in -> /home/ctluser/in \(if it is there\)$'
t 'explain: and the outbox' said "^OUTBOX +line 13: /tmp/ctluser, durable to /srv/out, root's with mode 0640$"
policy "$c/policies/one.conf"
sed -i 's/^user = ctluser/&\nservice = sshd/' "$c/policies/one.conf"
t 'explain: another service is not matched' status 0 $ctl explain ctluser --service login --config "$c"
t 'explain: and says so' said 'decision +not confined'
printf '[environment]\npolicy = exact\n' >>"$c/policies/one.conf"
t 'explain: refused' status 1 $ctl explain ctluser --config "$c"
t 'explain: by which gate and requirement' said '^refused by +support: Environment'
t 'explain: with file, line and what to do' said "^because +$c/policies/one.conf:[0-9]+: .*no exec boundary.*make bvisor-shell the account"
t 'explain --json of a refusal' status 1 $ctl explain ctluser --config "$c" --json
t 'explain --json of a refusal is valid' json '.refusal.membrane == "support" and .refusal.requirement == "Environment" and (.requirements | map(select(.verdict == "unsupported")) | length == 1)'
t 'explain --trace of a refusal' status 1 $ctl explain ctluser --config "$c" --trace
t 'explain --trace: what is before it is passed, it refuses, the rest is not reached' bash -c "grep -qE '^workload +passed$' '$out' && grep -qE '^support +refused$' '$out' && grep -qE '^evidence +not reached$' '$out' && grep -qE '^table +refused by support: unsupported$' '$out'"
echo 'nonsense' >>"$c/policies/one.conf"
t 'explain: a broken policy refuses whom it could match' status 1 $ctl explain ctluser --config "$c"
t 'explain: by its configuration' said '^refused by +config'
fresh
policy "$c/policies/one.conf"
printf '# caf\351\n[network]\naccess = open\r\n' >>"$c/policies/one.conf"
t 'explain: damage behind [match] refuses whom it means' status 1 $ctl explain ctluser --config "$c"
t 'explain: and nobody else' status 0 $ctl explain ctlother --config "$c"
t 'explain: a name nobody has' status 3 $ctl explain nobody-has-this-name --config "$c"
fresh
policy "$c/policies/all.conf"
sed -i 's/^user = .*/user = */' "$c/policies/all.conf"
t 'explain: * does not mean root' status 0 $ctl explain root --config "$c"
t 'explain: root is not confined' said 'because +uid 0'
t 'explain: * means everybody else' status 0 $ctl explain ctlother --config "$c"
t 'explain: everybody else is admitted' said 'decision +admitted'
t 'explain leaves no leaf' no_leaf
t 'explain: wrong usage' status 2 $ctl explain
t 'probe' status 0 $ctl probe
t 'probe --json' status 0 $ctl probe --json
t 'probe --json: every key, told apart' json '(.keys | length == 30) and .keys["Kill(atomic)"].verdict == "enforced" and .keys["Filesystem(read,file)"].verdict == "unsupported"'
t 'probe --json: each verdict with its reason' json '[.requirements[], .keys[], .budgets[]] | all(.verdict == "enforced" or .verdict == "mediated" or (.missing | length > 0))'
t 'probe --json: what an account needs bvisor-shell for is told' json '(.requirements.Environment | .verdict == "enforced" and .needs_bvisor_shell) and (.requirements.Kill.needs_bvisor_shell | not)'
t 'probe --json: 17 requirements, 7 budgets' json '(.requirements | length == 17) and (.budgets | length == 7) and (.facts["cgroup.base"] | length > 0)'

# --- run as root: what comes out --------------------------------------------------
run="$ctl run --policy $p --user ctluser --"
t 'run: exit status' status 7 $run sh -c 'exit 7'
t 'run: exit status 0' status 0 $run true
t 'run: a signal is 128 and its number' status 137 $run sh -c 'kill -9 $$'
t 'run: not found' status 127 $run no-such-command-here
t 'run: not executable' status 126 $run /etc/passwd
t 'run: wrong usage' status 2 $ctl run --policy "$p"
# shellcheck disable=SC2016
t 'run: arguments arrive as they are' status 0 $run printf '%s|' 'a b' '' '$x;*' "'"
t 'run: each of them' said "^a b\|\|\\\$x;\*\|'\|\$"
t 'run: standard input arrives' bash -c "echo hello | $run cat | grep -qx hello"
t 'run: ids of the user' status 0 $run id
t 'run: uid, gid and groups' said '^uid=63001\(ctluser\) gid=63001\(ctluser\) groups=63001\(ctluser\),63003\(ctlgroup\)'
t 'run: refused is 254' status 254 bash -c "policy() { :; }; { cat $p; printf '[fds]\npolicy = only\n'; } >$work/fds.conf; exec $ctl run --policy $work/fds.conf -- touch $work/outside/ran"
t 'run: with the reason' complained 'bvisorctl: .*fds.conf:[0-9]+: .*InheritedFdsOnly'
if [ "$($ctl probe --json | jq -r '.facts["cgroup.bpf"]')" = yes ]; then
	port=$((20000 + $$ % 12000))
	while (: <>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do port=$((port + 1)); done
	python3 tests/vm/guest/tools/listener.py $port "bv-ctl-$$" "$work/heard" &
	listener=$!
	until_true grep -qs ready "$work/heard"
	sed "s/^access = .*/access = list\nallow = tcp localhost $port/" "$p" >"$work/net.conf"
	net="$ctl run --policy $work/net.conf --user ctluser --"
	t 'run: an allow list lets its peer through' status 0 $net bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
	t 'run: which hears it' bash -c "for _ in \$(seq 300); do grep -q tcp4 $work/heard && exit; sleep 0.1; done; exit 1"
	t 'run: and no other protocol' status 1 $net bash -c "echo x >/dev/udp/127.0.0.1/$port"
	t 'run: by the leaf or before' complained 'Operation not permitted|Permission denied'
	t 'run: and no other port' status 1 $net bash -c "exec 3<>/dev/tcp/127.0.0.1/22"
	sed -i "s/^allow = .*/allow = tcp no-such-name.invalid 1/" "$work/net.conf"
	t 'run: a name that comes to nothing refuses' status 254 $net true
	t 'run: with file and line of the name' complained "net.conf:9: .*no-such-name.invalid"
	kill $listener
	fresh
	cp "$work/net.conf" "$c/policies/one.conf"
	sed -i "s/^allow = .*/allow = udp 192.0.2.0\/24 53/" "$c/policies/one.conf"
	t 'explain: an allow list' status 0 $ctl explain ctluser --config "$c"
	t 'explain: its peers, with their lines' said '^ +9 udp 192.0.2.0/24 53$'
	rm "$c/policies/one.conf"
else
	echo "# an allow list is not tried: this kernel attaches no network program"
fi
policy "$work/gone.conf" '[temp]' 'private = yes'
sed -i 's,^write = .*,write = /home/nowhere,' "$work/gone.conf"
t 'run: a path that is not there refuses' status 254 $ctl run --policy "$work/gone.conf" -- touch "$work/outside/ran"
t 'run: file and line first, and what to do' complained "^bvisorctl: $work/gone.conf:6: .*/home/nowhere.*ENOENT.*; create it, or put '-' in front"
t 'run --json: it is refused' status 254 $ctl run --policy "$work/gone.conf" --json -- true
cp "$err" "$out"
t 'run --json: and says so' json '.decision == "refused" and .status == 254 and (.started | not)'
# In a /tmp of its own: only the step that opens it in the view can tell.
sed -i 's,^write = .*,write = /tmp/nowhere,' "$work/gone.conf"
t 'run: a path that is not there in the view refuses' status 254 $ctl run --policy "$work/gone.conf" -- touch "$work/outside/ran"
t 'run: file and line first there too' complained "^bvisorctl: $work/gone.conf:6: .*/tmp/nowhere.*; create it, or put '-' in front"
sed -i 's,^write = .*,hide = /tmp/nowhere,' "$work/gone.conf"
t 'run: so does one that is to be hidden there' status 254 $ctl run --policy "$work/gone.conf" -- touch "$work/outside/ran"
t 'run: with file and line' complained "^bvisorctl: $work/gone.conf:6: .*/tmp/nowhere"
sed -i 's,^hide = .*,write = /home/nowhere,' "$work/gone.conf"
t 'run --json: a file that is not there' status 253 $ctl run --json --policy /nonexistent -- true
cp "$err" "$out"
t 'run --json: then nothing is decided' json '.decision == null and .status == 253'
# shellcheck disable=SC2016
t 'run: a limit on file sizes is the command'"'"'s' status 7 bash -c "ulimit -Sf 0; exec $run sh -c '[ \$(ulimit -f) = 0 ] && exit 7'"
t 'run: no leaf of it is left' no_leaf
# Only with CAP_SYS_RESOURCE is there a way around a hard one.
t 'run: a hard limit ends it in order' bash -c "(ulimit -f 0; exec $run true) 2>/dev/null; [ \$? -ne 153 ]"
t 'run: no leaf of that is left' no_leaf
t 'run: and passing it ends the command as ever' status 153 bash -c "ulimit -Sf 1; exec $run sh -c 'exec head -c 9999 /dev/zero >/home/ctluser/large'"
rm -f /home/ctluser/large
# SIGXFSZ is 25: the first bit of the seventh digit from the right.
t 'run: and what the signal does' bash -c "$run grep SigIgn: /proc/self/status | grep -qE '^SigIgn:.*[02468ace][0-9a-f]{6}\$'"
printf 'bvisor-policy 1\n[policy]\naction = exempt\n[match]\nuser = *\n' >"$work/exempt.conf"
t 'run: a policy without a boundary is refused' status 254 $ctl run --policy "$work/exempt.conf" -- touch "$work/outside/ran"
t 'run: nothing of these was run' test ! -e "$work/outside/ran"
t 'run --json' status 7 $ctl run --policy "$p" --user ctluser --json -- sh -c 'exit 7'
cp "$err" "$out"
t 'run --json is valid' json '.status == 7 and .started and (.plan | length == 64)'
$ctl run --policy "$work/fds.conf" --json -- true 2>"$out" >"$err"
t 'run --json of a refusal is valid' json '.status == 254 and (.started | not) and .decision == "refused"'

# --- run as root: what is stopped, witnessed outside ------------------------------
t 'run: writing inside works' status 0 $run sh -c 'echo mine >/home/ctluser/file'
t 'run: and is on the disk' grep -qx mine /home/ctluser/file
$run sh -c "echo x >$work/outside/new; echo x >>$work/outside/secret; cp $work/outside/secret /home/ctluser/stolen; : >$work/outside/secret; mv $work/outside/secret /home/ctluser/; ln $work/outside/secret /home/ctluser/link" >"$out" 2>"$err"
t 'run: nothing outside is made' test ! -e "$work/outside/new"
t 'run: nothing outside is changed, truncated or moved' grep -qx secret "$work/outside/secret"
t 'run: nothing outside is read' test ! -s /home/ctluser/stolen -a ! -e /home/ctluser/link
$ctl run --policy "$p" -- sh -c "echo x >$work/outside/root; echo x >/home/ctlother/root" >"$out" 2>"$err"
t 'run: root inside writes nothing outside either' test ! -e "$work/outside/root" -a ! -e /home/ctlother/root
$run sh -c 'echo x >/tmp/bvisor-ctl-'$$' && cat /tmp/bvisor-ctl-'$$ >"$out" 2>"$err"
t 'run: a /tmp of its own' said '^x$'
t 'run: which nobody else sees' test ! -e "/tmp/bvisor-ctl-$$"
exec 7<"$work/outside/secret"
$run sh -c 'cat <&7' >"$out" 2>"$err"
t 'run: descriptors of the caller are closed' bash -c "! grep -q secret '$out'"
exec 7<&-
LD_PRELOAD_X=1 BASH_ENV=/x GLIBC_TUNABLES=x LC_TIME=C TZ=UTC SECRET=1 $run env >"$out" 2>"$err"
t 'run: the few variables that are kept' bash -c "[ \$(grep -cE '^(LC_TIME=C|TZ=UTC|PATH=.*|HOME=/home/ctluser|USER=ctluser|LOGNAME=ctluser)\$' '$out') = 6 ]"
t 'run: and no others' bash -c "! grep -vE '^(HOME|USER|LOGNAME|SHELL|PATH|TERM|LANG|TZ|LC_[A-Z]+|PWD|_|OLDPWD|SHLVL)=' '$out'"
policy "$work/env.conf" '[environment]' 'policy = exact' 'set = ONLY=this one' '[fds]' 'policy = none'
$ctl run --policy "$work/env.conf" -- /usr/bin/env >"$out" 2>"$err"
t 'run: an exact environment' bash -c "[ \"\$(cat '$out')\" = 'ONLY=this one' ]"
fork='import os
try:
    os._exit(0 if os.fork() == 0 else 3)
except PermissionError:
    os._exit(9)'
thread='import threading
t = threading.Thread(target=print, args=["thread"]); t.start(); t.join()'
t 'run: a process may be started' status 3 $run python3 -c "$fork"
policy "$work/none.conf" '[spawn]' 'policy = none'
policy "$work/threads.conf" '[spawn]' 'policy = threads'
for kind in none threads; do
	t "run, spawn $kind: no process" status 9 $ctl run --policy "$work/$kind.conf" --user ctluser -- python3 -c "$fork"
done
t 'run, spawn threads: a thread' status 0 $ctl run --policy "$work/threads.conf" --user ctluser -- python3 -c "$thread"
t 'run, spawn threads: which ran' said '^thread$'
# A child with memory to ask for could fail halfway, or wait for a lock that nobody holds.
alloc=/usr/local/bin/child_alloc.so
install -m 0755 "$build/tests/live/child_alloc.so" $alloc
t 'run: a forked process that allocates is noticed' status 77 env LD_PRELOAD=$alloc sh -c '(a=b; exit 0)'
for kind in none threads env; do
	t "run, $kind: its child allocates nothing before the command" status 7 \
		env LD_PRELOAD=$alloc $ctl run --policy "$work/$kind.conf" --user ctluser -- sh -c 'exit 7'
done
t 'run, spawn none: no thread' status 1 $ctl run --policy "$work/none.conf" --user ctluser -- python3 -c "$thread"
python3 -c 'import socket,time
s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); print(s.getsockname()[1], flush=True); s.settimeout(300)
try:
    s.accept(); open("'"$work"'/connected","w")
except OSError: pass' >"$work/port" &
listener=$!
until_true test -s "$work/port"
port=$(cat "$work/port")
$run bash -c "echo x >/dev/tcp/127.0.0.1/$port" >"$out" 2>"$err"
t 'run: no connection leaves' test ! -e "$work/connected"
bash -c "echo x >/dev/tcp/127.0.0.1/$port"
t 'run: (which without it would)' until_true test -e "$work/connected"
wait $listener

# --- a live run, seen from outside -------------------------------------------------
# Looked for by their command lines, in which nobody else on the machine has our number.
$ctl run --policy "$p" --user ctluser -- sh -c "sleep 1001.$$ & sleep 1002.$$" </dev/null >"$out" 2>"$err" &
runner=$!
leaf_has() { [ "$(wc -l <"$(leaves)/cgroup.procs")" -ge "$1" ]; }
until_true leaf_has 3
leaf=$(leaves)
inside=$(head -n 1 "$leaf/cgroup.procs")
t 'a live run: the kernel has its processes in a leaf' leaf_has 3
t 'a live run: filtered, no new privileges' bash -c "grep -qx 'Seccomp:.2' /proc/$inside/status && grep -qx 'NoNewPrivs:.1' /proc/$inside/status"
t 'a live run: namespaces of its own' bash -c "[ \$(readlink /proc/$inside/ns/mnt) != \$(readlink /proc/self/ns/mnt) ] && [ \$(readlink /proc/$inside/ns/net) != \$(readlink /proc/self/ns/net) ]"
t 'a live run: no core dumps' grep -qE '^Max core file size +0 +0' "/proc/$inside/limits"
t 'ps' status 0 $ctl ps
t 'ps shows it' said "^[0-9a-f]{16} +ctluser +run +bvisorctl +[0-9]+ +3 .* live"
t 'ps --json' status 0 $ctl ps --json
t 'ps --json shows it' json '.[0].user == "ctluser" and .[0].tasks == 3 and (.[0].stale | not)'
id=$(jq -r '.[0].id' "$out")
t 'kill: no such session' status 1 $ctl kill 0123456789abcdef
t 'kill: a short id is none' status 1 $ctl kill "${id:0:2}"
t 'kill' status 0 $ctl kill "${id:0:6}" --json
t 'kill --json' json '.gone and .result == "ended"'
wait $runner
t 'kill: the run ended by it' test $? -eq 143
t 'kill: no process is left' bash -c "! pgrep -f '^sleep 100[12]\.$$\$'"
t 'kill: no leaf, no state' bash -c "[ ! -e '$leaf' ] && [ -z \"\$(ls /run/bvisor/sessions)\" ]"

$run sh -c "sleep 1003.$$ & exit 5" >"$out" 2>"$err"
t 'what a run leaves behind is killed' bash -c "! pgrep -f '^sleep 1003\.$$\$'"
$ctl run --policy "$p" --user ctluser -- sh -c 'trap "" TERM; sleep 1004; sleep 1004' >"$out" 2>"$err" </dev/null &
runner=$!
until_true leaf_has 2
kill -TERM $runner
wait $runner
t 'a run that ignores SIGTERM is killed after its grace' test $? -eq 137
policy "$work/wall.conf" '[budget]' 'wall = 300ms'
t 'the wall budget ends a run' status 137 timeout 100 $ctl run --policy "$work/wall.conf" -- sleep 600
t 'and says so' complained 'wall budget is used up'
policy "$work/cpu.conf" '[budget]' 'cpu = 300ms mediated'
t 'the cpu budget ends a run' status 137 timeout 100 $ctl run --policy "$work/cpu.conf" -- sh -c 'while :; do :; done'
t 'and says so' complained 'cpu budget is used up'
t 'the cpu budget lets an idle run be' status 0 timeout 100 $ctl run --policy "$work/cpu.conf" -- sleep 1
policy "$work/cpu.conf" '[budget]' 'cpu = 300ms'
t 'a cpu budget that must be enforced is refused' status 254 $ctl run --policy "$work/cpu.conf" -- true
t 'with what to write' complained "write 'mediated' behind the limit"
policy "$work/handles.conf" '[budget]' 'handles = 24 mediated'
t 'the handles budget' status 0 $ctl run --policy "$work/handles.conf" --user ctluser -- sh -c 'ulimit -Hn; ulimit -n; ulimit -n 4096 2>/dev/null; grep "Max open files" /proc/self/limits'
t 'is what a run gets, and cannot raise' bash -c "[ \"\$(head -n 2 '$out' | paste -sd,)\" = 24,24 ] && grep -qE 'Max open files +24 +24' '$out'"
t 'handles: more of them are refused' status 1 $ctl run --policy "$work/handles.conf" --user ctluser -- python3 -c 'import os
n = 0
try:
    while n < 100: n = os.dup(0)
except OSError as e:
    print(e.errno, n); raise SystemExit(1)'
t 'handles: with EMFILE below the limit' said '^24 (1[0-9]|2[0-3])$'

fresh
policy "$c/policies/a.conf" '[budget]' 'cpu = 30s mediated' 'processes = 64' 'user_processes = 200'
$ctl explain ctluser --service sshd --config "$c" >"$out" 2>"$err"
t 'explain: how far over a cpu budget may be' said 'passed by [0-9]+ s at the most, looked at every 5 s'
t 'explain: what holds over all sessions' said '^user_processes +200 tasks +over all sessions'
$ctl explain ctluser --service sshd --config "$c" --json >"$out" 2>"$err"
t 'explain --json: both' json '.user_limits.processes == 200 and .user_limits.memory == null and (.budgets[] | select(.dimension == "cpu") | .sample_us == 5000000 and .max_overshoot >= 1000000)'
t 'probe --json: a limit that may be passed says by how much' bash -c "$ctl probe --json | jq -e '.budgets.cpu.max_overshoot >= 1000000 and .budgets.processes.max_overshoot == 0'"

# --- why --------------------------------------------------------------------------
fresh
mkdir -p "/run/bvisor-why/sessions"
printf 'bvisor-config 1\n[bvisor]\nstate_dir = %s\nrun_dir = %s\n' /run/bvisor-why /run/bvisor-why-run >"$c/bvisor.conf"
why_record() { # ID FINDING USED
	cat >"/run/bvisor-why/sessions/$1.json" <<END
{"session_id":"$1","policy":"student","state":"closed","outcome":"killed","reason":"the cpu budget is used up",
"subject":{"user":"ctluser","uid":63001,"service":"sshd","tty":"ssh","rhost":"-"},"observed":[],
"budgets":[{"dimension":"wall","unit":"us","limit":null,"used":12,"finding":"not-requested"},
{"dimension":"cpu","unit":"us","limit":2000000,"used":$3,"finding":"$2"}]}
END
}
why_record 1234567890abcdef exceeded-within-overshoot 2050000
why_record 1234000000000000 within-limit 1000
t 'why: a limit that was met' status 1 $ctl why 12345678 --config "$c"
t 'why: what, and by how much' said '^  cpu: limit 2 s, used 2050 ms; met: the session was ended'
t 'why: what to change' said "raise '\[budget\] cpu' in policies/student.conf"
t 'why: what it does not know' said 'denials .* not recorded'
t 'why --json' status 1 $ctl why 12345678 --config "$c" --json
t 'why --json: the same' json '.met == 1 and .limits[0].allowed_by == "[budget] cpu" and .limits[0].used == 2050000 and (.denials.recorded | not) and (.limits | length) == 1'
t 'why: no limit met' status 0 $ctl why 1234000 --config "$c"
t 'why: says so' said 'no limit was met'
t 'why: two begin so' status 1 $ctl why 1234 --config "$c"
t 'why: is told' complained 'more than one session'
t 'why: no such session' status 1 $ctl why ffffffff --config "$c"
t 'why: where to look instead' complained 'journalctl'
t 'why: no path in an id' status 1 $ctl why ../sessions/1234567890abcdef --config "$c"
t 'why: one session only' status 2 $ctl why --config "$c"
echo '[1' >"/run/bvisor-why/sessions/aaaa567890abcdef.json"
t 'why: a broken record' status 3 $ctl why aaaa5678 --config "$c"

# --- a supervisor that is killed ----------------------------------------------------
$ctl run --policy "$p" --user ctluser -- sh -c "sleep 1005.$$ & exec sleep 1006.$$" </dev/null >"$out" 2>"$err" &
runner=$!
until_true leaf_has 2
leaf=$(leaves)
until_true pgrep -f "^sleep 1006\.$$\$"
kill -KILL $runner
wait $runner 2>/dev/null
until_true bash -c "! pgrep -f '^sleep 1006\.$$\$'"
t 'killed supervisor: the command dies with it' bash -c "! pgrep -f '^sleep 1006\.$$\$'"
t 'killed supervisor: what is left is still in the leaf' grep -q . "$leaf/cgroup.procs"
$ctl ps --json >"$out" 2>"$err"
t 'killed supervisor: ps says stale' json '.[0].stale'
t 'killed supervisor: kill sweeps' status 0 $ctl kill "$(jq -r '.[0].id' "$out")"
t 'killed supervisor: no process, no leaf, no state' bash -c "! pgrep -f '^sleep 1005\.$$\$' && [ ! -e '$leaf' ] && [ -z \"\$(ls /run/bvisor/sessions)\" ]"

# --- the examples ------------------------------------------------------------------
# The process limit only where a leaf can have one.
example() { # NAME COMMAND... as the user
	local name=$1
	shift
	cp "etc/policies/$name.conf" "$work/$name.conf"
	grep -qw pids "$base/cgroup.controllers" || sed -i 's/^processes/#&/' "$work/$name.conf"
	$ctl run --policy "$work/$name.conf" --user ctluser -- "$@" >"$out" 2>"$err"
}
printf '#!/bin/sh\necho ran\n' >/home/ctluser/script
chmod 0755 /home/ctluser/script
chmod 0755 /home/ctlother
echo theirs >/home/ctlother/file
t 'restricted: works at home' example restricted sh -c 'echo x >~/note && cat ~/note && ls /usr/bin >/dev/null'
t 'restricted: runs no program of its own' bash -c '! "$@"' - "$ctl" run --policy "$work/restricted.conf" --user ctluser -- /home/ctluser/script
t 'home-only: python, git and scripts at home' example home-only sh -c 'cd && python3 -c "open(\"py\", \"w\").write(\"1\")" && git init -q repo && ./script && test -e /home/ctluser && ! test -e /home/ctlother && echo alone'
t 'home-only: there is no other home' bash -c "[ \"\$(cat '$out')\" = \"\$(printf 'ran\\nalone')\" ]"
t 'home-only: nor what was in it' bash -c '! "$@"' - "$ctl" run --policy "$work/home-only.conf" --user ctluser -- cat /home/ctlother/file
example sftp-only ls /home/ctluser
t 'sftp-only: no programs' test $? -eq 126
if [ -x /usr/lib/openssh/sftp-server ]; then
	# one SSH_FXP_INIT, version 3; the answer is SSH_FXP_VERSION, to who waits
	# for it: at the end of its input it says nothing more
	: >"$out"
	# shellcheck disable=SC2094 # nothing of it is read
	(printf '\0\0\0\5\1\0\0\0\3' && until_true test -s "$out") | $ctl run --policy "$work/sftp-only.conf" --user ctluser -- /usr/lib/openssh/sftp-server >"$out" 2>"$err"
	t 'sftp-only: but sftp' bash -c "[ \"\$(head -c 9 '$out' | od -An -tx1 | cut -d' ' -f6)\" = 02 ]"
fi
rm -rf /home/ctluser/*

# --- on a terminal -----------------------------------------------------------------
cat >"$work/terminal.py" <<'PY'
import os, pty, select, sys, time

run, out = sys.argv[1], b""
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "READY> "
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])

def send(text):
    os.write(fd, text.encode())

def wait(text):
    global out
    end = time.monotonic() + 60
    while text.encode() not in out:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"no {text!r} in {out!r}")
        out += os.read(fd, 4096)
    out = out[out.index(text.encode()) + len(text):]

wait("READY> ")
if sys.argv[2] == "interrupt":
    send(run + " sh -c 'echo beg''un; sleep 1000'\n")
    wait("begun")
    time.sleep(0.2)
    send("\x03")
    wait("READY> ")
    send("echo status=$?.\n")
    wait("status=130.")
else:
    # It does not end before it was stopped, however late that is.
    go = sys.argv[3]
    send(run + f" sh -c 'echo beg''un; until [ -e {go} ]; do sleep 0.1; done; echo fin''ished'\n")
    wait("begun")
    time.sleep(0.2)
    send("\x1a")
    wait("Stopped")
    open(go, "w").close()
    send("fg\n")
    wait("finished")
    wait("READY> ")
    send("echo status=$?.\n")
    wait("status=0.")
PY
t 'terminal: Ctrl-C ends the command' python3 "$work/terminal.py" "$run" interrupt
t 'terminal: Ctrl-Z stops it, fg goes on' python3 "$work/terminal.py" "$run" stop /home/ctluser/go

# --- as on Linux 6.1: landlock without truncate and signal scope -------------------
cat >"$work/old.c" <<'C'
/* syscall(2) that says landlock ABI 2 and is honest about the rest. */
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>

long syscall(long nr, ...)
{
	long a[6], r;
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_landlock_create_ruleset && a[0] == 0 && a[2] == 1)
		return 2;
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}
C
if [ "$(uname -m)" = x86_64 ] && ${CC:-cc} -shared -fPIC -O1 -o /usr/local/bin/old.so "$work/old.c" 2>"$err"; then
	old="env LD_PRELOAD=/usr/local/bin/old.so $run"
	sleep 1008 &
	sleeper=$!
	t 'older kernel: exit status' status 6 $old sh -c 'exit 6'
	# shellcheck disable=SC2016
	$old sh -c 'sleep 60 & kill $! && echo own; : >/home/ctluser/file && echo inside' >"$out" 2>"$err"
	t 'older kernel: own processes can be signalled' said '^own$'
	t 'older kernel: writing inside works' said '^inside$'
	setpriv --reuid 63001 --regid 63001 --clear-groups sleep 1009.$$ &
	peer=$!
	until_true pgrep -f "^sleep 1009\.$$\$"
	$old sh -c "kill $peer; kill $sleeper; kill -9 -1; : >$work/outside/secret" >"$out" 2>"$err"
	t 'older kernel: nobody outside can be signalled' bash -c "kill -0 $peer && kill -0 $sleeper"
	t 'older kernel: nothing outside is truncated' grep -qx secret "$work/outside/secret"
	kill $peer $sleeper
	wait $peer $sleeper 2>/dev/null
else
	n=$((n + 1))
	echo "ok $n - run as on an older kernel # SKIP no compiler for it here"
fi

# --- exposed paths ---------------------------------------------------------------
mkdir /home/share
echo one >/home/share/lesson
chmod 0777 /home/share
chmod 0666 /home/share/lesson
x=$work/expose.conf
policy "$x" '[temp]' 'private = yes' '[expose]' \
	'read = /home/share -> /tmp/ro' 'write = /home/share -> /tmp/rw'
t 'run: exposed paths' status 0 $ctl run --policy "$x" --user ctluser -- \
	sh -c 'cat /tmp/ro/lesson; echo two >>/tmp/rw/lesson; ! echo bad >>/tmp/ro/lesson'
t 'run: what is exposed to be written is, and the other not' \
	test "$(cat /home/share/lesson)" = "$(printf 'one\ntwo')"
policy "$work/outbox.conf" '[temp]' 'private = yes' '[budget]' 'storage = 1M' \
	'[outbox]' 'path = /tmp/out' 'commit = discard'
t 'run: an outbox is a login'"'"'s' status 254 $ctl run --policy "$work/outbox.conf" \
	--user ctluser -- touch /home/ctluser/ran
t 'run: and the line says so' complained 'outbox.conf:15: .*only a login does'
t 'run: then nothing is run' test ! -e /home/ctluser/ran

# --- an ordinary user ------------------------------------------------------------
as_user() { setpriv --reuid 63001 --regid 63001 --init-groups "$@"; }
t 'user: without a cgroup of its own it is refused' status 254 as_user $ctl run --policy "$p" -- touch /home/ctluser/ran
t 'user: with the reason' complained 'no cgroup here is ours'
t 'user: and nothing was run' test ! -e /home/ctluser/ran
t 'user: --user is for root' status 2 as_user $ctl run --policy "$p" --user ctlother -- true
t 'user: ps is for root' status 3 as_user $ctl ps
t 'user: kill is for root' status 3 as_user $ctl kill 0123456789abcdef
mkdir -p "$user_base/me"
chown -R 63001 "$user_base"
in_base() { # COMMAND as the user, in the delegated cgroup
	bash -c 'echo $$ >"$0/me/cgroup.procs" && exec setpriv --reuid 63001 --regid 63001 --init-groups "$@"' "$user_base" "$@"
}
rm -f /home/ctluser/*
urun="in_base $ctl run --policy $p --"
if [ "$(in_base unshare --user --map-current-user --net --mount echo works 2>/dev/null)" = works ]; then
	t 'user: exit status' status 9 $urun sh -c 'exit 9'
	t 'user: a signal' status 143 $urun sh -c 'kill -TERM $$'
	t 'user: not found' status 127 $urun no-such-command-here
	t 'user: its own ids' status 0 $urun sh -c 'id -u; id -g; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status'
	t 'user: as they were' bash -c "[ \"\$(head -n 2 '$out' | xargs)\" = '63001 63001' ]"
	t 'user: no capability at all' bash -c "[ \$(grep -cE '^Cap(Inh|Prm|Eff|Bnd|Amb):.0{16}\$' '$out') = 5 ]"
	t 'user: writing inside works' status 0 $urun sh -c 'echo mine >/home/ctluser/file'
	t 'user: and is the user'"'"'s on the disk' bash -c '[ "$(stat -c %u:%g /home/ctluser/file)" = 63001:63001 ]'
	$urun sh -c "echo x >$work/outside/new; : >$work/outside/secret; cp $work/outside/secret /home/ctluser/stolen" >"$out" 2>"$err"
	t 'user: nothing outside is made or changed' bash -c "[ ! -e '$work/outside/new' ] && grep -qx secret '$work/outside/secret'"
	t 'user: nothing outside is read' test ! -s /home/ctluser/stolen
	t 'user: an empty network' status 0 $urun sh -c 'cat /proc/net/dev | wc -l'
	t 'user: with lo alone' said '^3$'
	t 'user: no new user namespace' status 1 $urun unshare --user true
	$urun sh -c "sleep 1007.$$ & exit 0" >"$out" 2>"$err"
	t 'user: what it leaves behind is killed' bash -c "! pgrep -f '^sleep 1007\.$$\$'"
	t 'user: exposed paths' status 0 in_base $ctl run --policy "$x" -- \
		sh -c 'cat /tmp/ro/lesson; echo three >>/tmp/rw/lesson; ! echo bad >>/tmp/ro/lesson'
	t 'user: read-only is read-only there too' \
		test "$(cat /home/share/lesson)" = "$(printf 'one\ntwo\nthree')"
	t 'user: a limit on file sizes ends the run, not bvisorctl' status 253 bash -c "ulimit -f 0; $(declare -f in_base); user_base=$user_base; $urun true 2>/dev/null"
	t 'user: and no leaf is left' no_leaf
	t 'user: a path that is not there runs nothing' status 254 in_base $ctl run --policy "$work/gone.conf" -- touch /home/ctluser/ran
	t 'user: really' test ! -e /home/ctluser/ran
else
	n=$((n + 1))
	echo "ok $n - user: a boundary without privilege # SKIP user namespaces are not for everybody here"
fi

# --- leftovers ---------------------------------------------------------------------
t 'no leaf is left' no_leaf
t 'no state is left' no_state
t '--help' status 0 $ctl --help
t '--version' status 0 $ctl --version
t 'no command' status 2 $ctl
t 'an unknown command' status 2 $ctl frobnicate
t 'a full disk on standard output is no success' bash -c "! $ctl probe >/dev/full 2>&1"
echo "1..$n"
[ $bad -eq 0 ]
