# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# bvisorctl qualify: every row that it has a proof of passes here; with qualification = local a
# login counts on the record of this kernel and this build and on nothing else.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
RECORD=/var/lib/bvisor/qualification/$(uname -r).json
rm -f "$RECORD"

# One proof each, by its row: what tests/red/list takes the guards out for.
if [ -n "$BV_ONLY" ]; then
	for row in $BV_ONLY; do
		unharmed "$row" 'its proof passes' bvisorctl qualify --row "$row"
	done
	exit 0
fi

# results: "ROW RESULT" lines, then the counts, of the JSON that run left in $out.
results() { python3 -c 'import json, sys
d = json.load(sys.stdin)
for row, r in d["rows"].items():
    print(row, r["result"] if r["result"] != "skip" else r["reason"])
print("failed", d["failed"])' <<<"$out" 2>&1 || true; }
# shellcheck disable=SC2119 # no lines more
policy_student
pam_enable sshd
set_config <<'END'
bvisor-config 1
[bvisor]
qualification = local
END

journal_mark
run ssh_as alice 'echo inside; touch ~/inside'
isnt "$status" 0 'without a qualification a login is refused'
ok 'and nothing ran' absent /home/alice/inside
# shellcheck disable=SC2016 # as it is written
contains "$(journal_since)" 'run `bvisorctl qualify`' 'the log says what to do'
lacks "$out$err" qualif 'the user is told no inner details'

start=$SECONDS
run bvisorctl qualify --json
is "$status" 0 'bvisorctl qualify finds nothing that fails'
# A minute, where the machine is neither emulated nor shared.
at_most $((SECONDS - start)) 180 'in less than three minutes, on this machine'
all=$(results)
contains "$all" 'failed 0' 'as its counts say'
is "$(grep -vE ' pass$|^failed' <<<"$all")" '' \
	'this machine lacks nothing of it'
for row in Filesystem 'Filesystem(read)' 'Filesystem(write)' \
	'Filesystem(exec)' 'Filesystem(hide)' NetworkDenyAll \
	NetworkAllowList 'ExposePath(ro)' 'ExposePath(rw)' \
	ChildSpawnDenyNewTasks ChildSpawnAllowThreads \
	ChildSpawnAllowDescendants Environment 'Environment(lease)' \
	InheritedFdsNone InheritedFdsOnly LaunchWorkload CaptureStreams TempRoot \
	'TempRoot(sized)' 'Kill(atomic)' 'Kill(best-effort)' budget:wall \
	budget:cpu budget:memory budget:processes budget:handles \
	budget:storage budget:network 'CommitArtifact(atomic)' \
	'CommitArtifact(durable)' 'CommitArtifact(best-effort-durable)' \
	DiscardArtifact ListOutputs; do
	if grep -qxF "$row pass" <<<"$all"; then
		pass "$row: its proof passes"
	else
		fail "$row: its proof passes" "$out"
	fi
done
is "$(stat -c '%U %a' "$RECORD" "${RECORD%/*}" | tr '\n' ' ')" \
	'root 600 root 700 ' 'the record is root'\''s alone'
is "$(leaves)" '' 'no leaf of the proofs is left'
not_ok 'nor a mount' grep -q qualify /proc/mounts

run ssh_as alice 'echo inside'
is "$status:$out" 0:inside 'qualified, the login is let in'
run bvisorctl explain alice --service sshd
is "$status" 0 'explain says so too'
matches "$out" 'Filesystem +proven +.*qualified' 'with the status of each row'

# Any byte of it changed, another build, another kernel: as if there were none.
cp -p "$RECORD" "$BV_STATE/record"
refused() { ! bvisorctl explain alice --service sshd >"$BV_STATE/why" 2>&1; }
sed -i 's/"result":"pass"/"result":"skip"/' "$RECORD"
ok 'a record that was tampered with counts for nothing' refused
contains "$(cat "$BV_STATE/why")" seal 'and that is why'
cp -p "$BV_STATE/record" "$RECORD"
cp -p "$BV_HELPER" "$BV_STATE/helper"
cp -p "$BV_HELPER" "$BV_STATE/helper.other"
printf '\0' >>"$BV_STATE/helper.other"
_replace "$BV_STATE/helper.other" "$BV_HELPER"
ok 'nor does one of another build' refused
contains "$(cat "$BV_STATE/why")" "another build" 'and that is why'
_replace "$BV_STATE/helper" "$BV_HELPER"
not_ok 'the first build again, and the record holds' refused

# A row that fails caps; the others go on.
if [ -x "$BV_SRC/build/red/bvisorctl" ]; then
	echo hide >/run/bvisor.red
	run "$BV_SRC/build/red/bvisorctl" qualify
	broken=$status
	echo kill >/run/bvisor.red
	run "$BV_SRC/build/red/bvisorctl" qualify --row 'Kill(atomic)'
	rm -f /run/bvisor.red
	is "$status:$(pgrep -f 'build/red/bvisorctl qualify')" 1: \
		'no process of the proofs is left, not even where it is their end that is broken'
	is "$broken" 1 'a broken mechanism fails its proof'
	not_ok 'what does not need it is let in' refused
	sed -i 's|^write = ~|&\nhide = /etc/motd|' "$BV_CONF/policies/student.conf"
	ok 'what needs it is refused' refused
	contains "$(cat "$BV_STATE/why")" 'reading what is hidden went through' \
		'with what the proof saw'
else
	skip 'a broken mechanism fails its proof' 'no red build'
fi
rm -f "$RECORD"
