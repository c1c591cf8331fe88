# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 2400
# Every guard taken out in turn (tests/red/list): the assertion that is there for
# it must be seen to fail, and to fail because the harm was done.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
if [ ! -x "$BV_SRC/build/red/bvisor-helper" ]; then
	fail 'the red build is there' 'make red'
	exit 0
fi

after() { BV_CASE=red timeout -k 5 120 bash "$BV_GUEST/after" >/dev/null 2>&1 || true; }
# caught OUTPUT NAME: "not ok - NAME: …", and the harm seen.
caught() {
	awk -v name="not ok - $2:" '
		index($0, name) == 1 { hit = 1; next }
		hit && /^#   THROUGH/ { found = 1 }
		{ hit = 0 }
		END { exit !found }' <<<"$1"
}
# partner CASE GUARDS: all attacks of the rows that name these two, in one run.
declare -A ATTACKS_OF=() ROWS_OF=()
partner() {
	local key="$1:$2" said title name
	red_on "$2"
	said=$(BV_ONLY=${ATTACKS_OF[$key]} BV_CASE=$1 timeout -k 5 400 \
		bash "$BV_GUEST/cases/$1.sh" </dev/null 2>&1) || true
	after
	while IFS=$'\t' read -r title name; do
		[ -n "$name" ] || continue
		if caught "$said" "$name"; then
			pass "$title: $name gets through without $2, and is seen"
		else
			fail "$title: $name gets through without $2, and is seen" \
				"$(grep -F -A 3 -e "- $name:" <<<"$said" || tail -n 12 <<<"$said")"
		fi
	done <<<"${ROWS_OF[$key]}"
}
trim() { sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"; }

abi=$(bvisorctl probe | awk '$1 == "landlock.abi" { print $2 }')
title='' keys=()
while IFS= read -r line; do
	case $line in
	'' | '#'* | live/*) continue ;;
	'['*']') title=${line#[} title=${title%]} && continue ;;
	esac
	# With spaces about it: a name may have a colon of its own.
	in_case=${line%% : *} line=${line#* : }
	guards=${line%% : *} line=${line#* : }
	names=${line%% : *} least=${line#"$names"} least=${least#' : '}
	if [ "${least:-0}" -gt "$abi" ]; then
		skip "$title:$names gets through without $guards" "no Landlock ABI$least here"
		continue
	fi
	key=$(trim "$in_case"):$(trim "$guards")
	[ -n "${ATTACKS_OF[$key]:-}" ] || keys+=("$key")
	ATTACKS_OF[$key]+=" $(trim "$names")"
	for name in $names; do ROWS_OF[$key]+="$title"$'\t'"$name"$'\n'; done
done <"$BV_SRC/tests/red/list"
for key in "${keys[@]}"; do
	begin=$SECONDS
	partner "${key%%:*}" "${key#*:}"
	note "${key%%:*} without ${key#*:}: $((SECONDS - begin)) s"
done

# The attestation: a leader that left out any one step of its commit is refused, and
# so is one in a view whose cgroups may be written; let in when nobody looks.
attested() { # WORDS
	confine sshd
	red_on "$1"
	run ssh_as alice 'echo inside'
	lacks "$out" inside "attestation: a leader without $1 is refused"
	red_on "$1 attest"
	run ssh_as alice 'echo inside'
	contains "$out" inside "attestation: without it a leader without $1 gets in"
	after
}
for step in commit-seccomp commit-landlock commit-mntns commit-netns commit-nnp; do
	attested "$step"
done
# Below Landlock ABI 3 all of the view is read-only anyway.
attested 'cgroup-ro view-ro'
