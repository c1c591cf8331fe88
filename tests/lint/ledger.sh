#!/bin/bash
# SPDX-License-Identifier: MIT
# Every receipt of the qualification ledger names a test that exists, and what
# that test was seen to catch: of a case, an attack whose guard tests/red/list
# takes out; of a unit test, a fault of tests/faults/list that it must see.
#
#   ledger.sh BUILD-DIR            these
#   ledger.sh BUILD-DIR results    and, of each receipt, that it has passed in the
#                                  run whose results are there: a skip, a failure
#                                  and silence are none. tests/check runs this at
#                                  the end of its lanes.
. tests/lint/tap.sh.inc
build=$1 results=${2:-}
said_in=$build/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "backend ROW STATUS FILE TEST RED", a line a receipt, tabs between.
dump() {
	cat >"$work/dump.c" <<'C'
#include <stdio.h>

#include "ledger/ledger.h"

int main(void)
{
	const struct bvl_ledger *const all[] = { bvl_ledger_linux(),
						 bvl_ledger_wasm() };

	for (size_t l = 0; l < 2; l++)
		for (unsigned int i = 0; i < BV_COVER_N; i++) {
			const struct bvl_entry *e = &all[l]->entry[i];

			for (size_t r = 0; r < e->receipts_n; r++)
				printf("%s\t%s\t%s\t%s\t%s\t%s\n",
				       all[l]->backend, bv_cover_name(i),
				       bvl_status_name(e->status),
				       e->receipts[r].file, e->receipts[r].test,
				       e->receipts[r].red);
		}
	return 0;
}
C
	# shellcheck disable=SC2046 # words
	${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -o "$work/dump" "$work/dump.c" \
		ledger/couple.c ledger/table_*.c "$build"/core/*.o \
		$(pkg-config --libs jansson libmd) && "$work/dump" >"$work/receipts"
}
receipts() { cut -f 2,4- "$work/receipts"; }

many() {
	dump && [ "$(wc -l <"$work/receipts")" -ge 40 ]
}
# Of each receipt: the file is there and has the test.
tests_exist() {
	local row file name bad=0
	while IFS=$'\t' read -r row file name _; do
		case $file in
		tests/vm/guest/cases/*.sh)
			grep -qE -- "(^|[^A-Za-z0-9-])$(quote "$name")([^A-Za-z0-9-]|\$)" "$file" && continue
			;;
		tests/unit/*.c | tests/live/*.c)
			grep -q "^static void $name(" "$file" &&
				grep -qE "[( ,]${name}[,)]" "$file" && continue
			;;
		esac
		echo "$row: no '$name' in $file"
		bad=1
	done < <(receipts)
	return $bad
}
# shellcheck disable=SC2001 # a class of characters, not one text
quote() { sed 's/[][().*+?^$|\\]/\\&/g' <<<"$1"; }
# red_row TITLE CASE ATTACK: is the attack in a row of that title and case?
red_row() {
	awk -v title="[$1]" -v in_case="$2" -v attack="$3" '
		/^\[/ { on = $0 == title; next }
		on && index($0, in_case " : ") == 1 {
			n = split($0, part, " : ")
			m = split(part[n], word, " ")
			for (i = 1; i <= m; i++) if (word[i] == attack) found = 1
		}
		END { exit !found }' tests/red/list
}
# fault TITLE PROGRAM: must that program see it?
fault() {
	grep -A 1 -Fx -- "[$1]" tests/faults/list | grep -qE "^(core|ledger)/[a-z_]+\.(c|inc|h): $2\$"
}
red_partners() {
	local row file name red bad=0
	while IFS=$'\t' read -r row file name red; do
		case $file in
		*/cases/*) red_row "$red" "$(basename "$file" .sh)" "$name" && continue ;;
		*) fault "$red" "$(basename "$file" .c)" && continue ;;
		esac
		echo "$row: $name of $file has no red partner '$red'"
		bad=1
	done < <(receipts)
	return $bad
}
# What bvisorctl qualify has no proof of yet: with qualification = local refused.
unqualified=' CaptureStreams '
proven_rows_have_a_live_proof() { # one that bvisorctl qualify makes
	local row bad=0
	while read -r row; do
		[[ ${unqualified//$'\n'/} != *" $row "* ]] || continue
		awk -F '\t' -v row="$row" '$2 == row && $4 ~ /53-qualify/ && $5 == row { found = 1 }
			END { exit !found }' "$work/receipts" || { echo "$row"; bad=1; }
	done < <(awk -F '\t' '$3 == "proven" { print $2 }' "$work/receipts" | sort -u)
	return $bad
}
# The check itself: a receipt that lies is seen.
lies_are_seen() {
	local said
	cp "$work/receipts" "$work/kept"
	printf 'linux\tKill(atomic)\tproven\ttests/vm/guest/cases/28-survive-logout.sh\tghost\ta background process surviving logout\n' >>"$work/receipts"
	said=$(tests_exist) && return 1
	[[ $said == *ghost* ]] || return 1
	said=$(red_partners) && return 1
	cp "$work/kept" "$work/receipts"
	printf 'linux\tKill(atomic)\tproven\ttests/unit/test_env.c\ttest_env__resolved__checked_again\ta session can do without descriptors\n' >>"$work/receipts"
	said=$(red_partners) && return 1
	cp "$work/kept" "$work/receipts"
}

# passed FILE TEST: in some result, "ok" and no skip; in none "not ok".
passed() {
	local what
	case $1 in
	*/cases/*) what="[0-9]+ - $(basename "$1" .sh): $(quote "$2"): " ;;
	*) what="[0-9]+ - $(quote "$2")( |\$)" ;;
	esac
	if grep -hE "^not ok $what" "$said_in"/*.tap; then return 1; fi
	grep -hE "^ok $what" "$said_in"/*.tap | grep -qviE '# skip'
}
# A skip, silence and one failure among passes are no pass.
skips_are_seen() {
	local file=tests/vm/guest/cases/28-survive-logout.sh said_in=$work/said
	mkdir "$said_in"
	echo '# nothing' >"$said_in/a.tap"
	passed $file daemon && return 1
	echo 'ok 3 - 28-survive-logout: daemon: one over ssh # SKIP no sshd' >>"$said_in/a.tap"
	echo 'ok 4 - 28-survive-logout: daemon-tty: one on a terminal' >>"$said_in/a.tap"
	passed $file daemon && return 1
	echo 'ok 9 - 28-survive-logout: daemon: one over ssh' >"$said_in/b.tap"
	passed $file daemon || return 1
	echo 'not ok 2 - 28-survive-logout: daemon: one over ssh' >"$said_in/c.tap"
	passed $file daemon && return 1
	return 0
}
receipts_passed() {
	local row file name bad=0
	while IFS=$'\t' read -r row file name _; do
		passed "$file" "$name" && continue
		echo "$row: $name of $file did not pass in this run"
		bad=1
	done < <(receipts)
	return $bad
}

check 'the ledger names its receipts' many
if [ "$results" = results ]; then
	check 'every receipt of the ledger has passed in this run' receipts_passed
else
	check 'every receipt names a test that there is' tests_exist
	check 'every receipt has a red partner' red_partners
	check 'every proven row has a proof of bvisorctl qualify' proven_rows_have_a_live_proof
	check 'a receipt that lies is seen' lies_are_seen
	check 'a receipt whose test was skipped is seen' skips_are_seen
fi
finish
