#!/bin/bash
# SPDX-License-Identifier: MIT
# Every guard that a red build can take out has a row in tests/red/list, and every
# row names guards and tests that there are: a planted fault that nothing is seen
# to catch is no proof. The deaths of the crash matrix are its own list.
. tests/lint/tap.sh.inc
list=tests/red/list
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Where the word is a column of a table: a string behind another column, or alone.
tables='helper/seccomp_filter.c helper/net_bpf.c'
# words DIR...: what the sources there ask of.
words() {
	local file
	grep -rhoE --include='*.c' 'bv[hp]_red\("[^"]+"\)' "$@" | cut -d '"' -f 2
	for file in $tables; do
		sed -nE 's/^(.*[A-Z_]+, |[[:space:]]*)"([a-z]+(-[a-z]+)*)"(, | *\}|,? *\\?$).*/\2/p' "$file"
	done
}
sources='helper pam_bvisor wasm core ledger'
# rows: CASE : GUARDS : TESTS, one a line.
rows() { grep -E '^[^#[].*:.*:' "$list"; }
in_rows() {
	rows | cut -d : -f 2 | xargs -n 1
	# The attestation takes the steps of the commit out, all of them.
	sed -nE 's/^for step in (commit-.*); do$/\1/p' tests/vm/guest/red/10-partners.sh | xargs -n 1
}
# without_row DIR...: words that no row takes out; fails when there are any.
without_row() {
	local got
	[ "$(words "$@" | sort -u | wc -l)" -gt 40 ] || { echo 'saw next to nothing'; return 1; }
	got=$(comm -23 <(words "$@" | sort -u) <(in_rows | sort -u))
	echo "no row in $list: $(xargs <<<"$got")"
	[ -z "$got" ]
}
all_have_rows() {
	# shellcheck disable=SC2086 # words
	without_row $sources
}
no_row_is_stale() {
	local got
	# shellcheck disable=SC2086 # words
	got=$(comm -13 <(words $sources | sort -u) <(in_rows | sort -u))
	echo "nothing in the sources asks of: $(xargs <<<"$got")"
	[ -z "$got" ]
}
# Any other table has to be named above.
no_other_table() {
	local got
	# shellcheck disable=SC2086 # words
	got=$(grep -rnE --include='*.c' 'bv[hp]_red\([^")]' $sources |
		grep -vE "^(${tables// /|}|helper/red\.c|pam_bvisor/red\.c):")
	echo "words this does not see: $got"
	[ -z "$got" ]
}
# The tests of a row: an attack's handle in its case, a test of its program.
tests_are_there() {
	local in_case guards names name file bad=0
	while IFS=: read -r in_case guards names _; do
		in_case=$(xargs <<<"$in_case")
		case $in_case in
		live/*.sh) file=tests/$in_case names=$guards ;;
		live/*) file=tests/$in_case.c ;;
		*) continue ;; # make red itself wants "not ok" of each
		esac
		for name in $names; do
			grep -qw -- "$name" "$file" || { echo "$file: no $name"; bad=1; }
		done
	done < <(rows)
	[ $bad -eq 0 ]
}
a_new_one_is_seen() {
	local said
	printf 'if (bvh_red("planted-word"))\n\treturn 0;\n' >"$work/new.c"
	# shellcheck disable=SC2086 # words
	if said=$(without_row $sources "$work"); then
		echo "not seen: $said"
		return 1
	fi
	grep -q 'list: planted-word$' <<<"$said" || { echo "$said"; return 1; }
}

check 'every word of a red build has a row' all_have_rows
check 'every row has its words' no_row_is_stale
check 'words are literals, or columns of the tables that are named here' no_other_table
check 'every row of a live program has its tests' tests_are_there
check 'a word without a row is seen' a_new_one_is_seen
finish
