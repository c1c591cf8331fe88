#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisorctl qualify on this kernel, as root, in a private mount namespace with a
# copy of /etc: what this kernel lacks is skipped with its reason and caps, what
# it has passes and, with qualification = local, is what counts. Speaks TAP.
# BV_BUILD (or $1) names the build folder.
STAGE=qualify
. "$(dirname "$0")/bvisorctl-stage.inc"

# --- the stage -----------------------------------------------------------------
state=/srv/bvisor-qualify-$$
record=$state/qualification/$(uname -r).json

clean() {
	clean_cgroups "$base"
	rm -rf "$state"
}
trap clean EXIT
private_places
mkdir -p "$base" /srv /usr/libexec
mount -t tmpfs -o mode=0755 tmpfs /usr/libexec
install -m 0755 "$build/bvisorctl" $ctl || exit 1
install -m 0755 "$build/bvisor-helper" /usr/libexec/bvisor-helper || exit 1
rm -rf /etc/bvisor
mkdir -p /etc/bvisor/policies
config() { # QUALIFICATION
	printf 'bvisor-config 1\n[bvisor]\ncgroup_base = %s\nstate_dir = %s\nqualification = %s\n' \
		"$base" "$state" "$1" >/etc/bvisor/bvisor.conf
}
config static
missing=$($ctl probe --json | jq -r '.requirements | to_entries[] |
	select(.key | IN("Filesystem", "NetworkDenyAll", "TempRoot", "Kill", "LaunchWorkload")) |
	select(.value.verdict != "enforced") | .value.missing' | head -n 1)
[ -z "$missing" ] || skip_all "$missing"
policy=$work/policy.conf
printf '%s\n' 'bvisor-policy 1' '[match]' 'user = nobody' '[filesystem]' \
	'base = system' 'write = /tmp' '[network]' 'access = deny' '[temp]' \
	'private = yes' >"$policy"

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
		tail -n 20 "$work/said" "$out" "$err" | sed 's/^/# /'
	fi
}
skip() {
	n=$((n + 1))
	printf 'ok %d - %s # SKIP %s\n' $n "$1" "$2"
}
status() { # WANT COMMAND...
	local want=$1 got
	shift
	"$@" >"$out" 2>"$err" </dev/null
	got=$?
	echo "exit status $got, not $want: $*"
	[ $got -eq "$want" ]
}
json() { jq -e "$1" "$out"; }
confined() { status "$1" $ctl run --policy "$policy" --user nobody -- true; }
said() { grep -qE -- "$1" "$out" "$err"; }

# --- before --------------------------------------------------------------------
t 'static: a run needs no record' confined 0
config local
t 'local: without a record it is refused' confined 254
t 'with what is missing' said 'no qualification for its kernel'
t 'and what to do' said 'run .bvisorctl qualify.'

# --- the proofs ----------------------------------------------------------------
stages() { find /tmp -maxdepth 1 -name 'bvisor-qualify.*' | sort; }
had=$(stages) # of another run on this machine
t 'qualify: nothing fails' status 0 $ctl qualify --json
cp "$out" "$work/qualified"
t 'every proven row of the ledger was tried' test \
	"$(jq -r '.rows | keys[]' "$work/qualified" | sort)" = \
	"$($ctl probe --json | jq -r '.ledger | to_entries[] |
		select(.value.status == "proven") | .key' | sort)"
for row in $(jq -r '.rows | keys[]' "$work/qualified"); do
	result=$(jq -r --arg r "$row" '.rows[$r].result' "$work/qualified")
	reason=$(jq -r --arg r "$row" '.rows[$r].reason' "$work/qualified")
	case $result in
	skip) skip "$row: its proof passes" "$reason" ;;
	*) t "$row: its proof passes" test "$result" = pass ;;
	esac
done
t 'no row is skipped without a reason' jq -e \
	'[.rows[] | select(.result == "skip" and .reason == "")] == []' "$work/qualified"
t 'the record is there and root'\''s alone' test \
	"$(stat -c '%U %a' "$record" "${record%/*}" | xargs)" = 'root 600 root 700'
t 'its digest is what was told' test "$(jq -r .sha256 "$record")" = \
	"$(jq -r .record "$work/qualified")"
t 'no leaf is left' test -z "$(find "$base" -name 'session-*')"
t 'no process of a proof is left' test -z "$(pgrep -f "^$ctl qualify")"
t 'no stage is left' test -z "$(find /run/bvisor -name 'qualify*')"
t 'nor anything in /tmp' test "$(stages)" = "$had"
t 'one row alone keeps nothing' status 0 $ctl qualify --row 'Filesystem(read)'
t 'the record is the one of before' test "$(jq -r .sha256 "$record")" = \
	"$(jq -r .record "$work/qualified")"
t 'an unknown row is wrong usage' status 2 $ctl qualify --row ghost

# --- after ---------------------------------------------------------------------
t 'qualified: the run goes' confined 0
$ctl probe --json >"$out"
t 'what passed may be enforced' json '.ledger["Filesystem(read)"].at_most == "enforced"'
skipped=$(jq -r '.rows | to_entries[] | select(.value.result == "skip") | .key' \
	"$work/qualified" | head -n 1)
if [ -n "$skipped" ]; then
	t 'what was skipped caps' json ".ledger[\"$skipped\"].at_most == \"unsupported\""
else
	skip 'what was skipped caps' 'this machine lacks nothing'
fi
cp "$record" "$work/kept"
sed -i 's/"Filesystem(exec)"/"Filesystem(hide)"/' "$record"
t 'a row under another name: refused' confined 254
cp "$work/kept" "$record"
t 'put back: goes' confined 0
sed -i 's/"unix_us":\([0-9]\)/"unix_us":\17/' "$record"
t 'a later day in it: refused' confined 254
t 'because of the seal' said 'seal'
cp "$work/kept" "$record"
chmod 0666 "$record"
t 'a record that others can write: refused' confined 254
chmod 0600 "$record"
printf '\0' >>/usr/libexec/bvisor-helper
t 'another helper is installed: refused' confined 254
t 'and that is why' said "another build's"
# shellcheck disable=SC2016 # for eval
t 'qualified again: goes' eval 'status 0 $ctl qualify && confined 0'
rm "$record"
t 'the record gone: refused' confined 254
config static
t 'static again: goes' confined 0

echo "1..$n"
[ $bad -eq 0 ]
