#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual names every section and key the parsers know, under the right
# section, every evidence claim and requirement kind, and no key that does not
# exist; bvisorctl's pages name its commands.
. tests/lint/tap.sh.inc

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "section key" pairs: of the parser's own table, and of the page.
code_keys() {
	cat >"$work/keys.c" <<'C'
#include <stdio.h>

#include "core/policy_parse.h"

int main(void)
{
	for (size_t i = 0; i < bv_policy_keys_n; i++)
		printf("%s %s\n", bv_section_name(bv_policy_keys[i].section),
		       bv_policy_keys[i].key);
	return 0;
}
C
	[ -x "$work/keys" ] || ${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -o "$work/keys" "$work/keys.c" \
		"$build"/core/*.o $(pkg-config --libs jansson libmd) || return 1
	"$work/keys" | sort
}
page_keys() {
	awk '/^\.S[sh] / { section = "" }
		/^\.Ss \[[a-z]+\]$/ { section = substr($2, 2, length($2) - 2) }
		section != "" && $1 == ".It" && $2 == "Va" && $4 == "=" { print section, $3 }
		section != "" && $1 == ".It" && $2 == "Va" && $4 == "No" { print section, $3 }' \
		man/bvisor-policy.5 | sort
}
policy_keys() {
	[ "$(code_keys | wc -l)" -gt 20 ] && diff <(code_keys) <(page_keys)
}
config_rows() {
	sed -nE 's/^\t\{ "([a-z_]+)", set_.*/\1/p' core/config.c | sort
}
config_keys() {
	[ "$(config_rows | wc -l)" -ge 5 ] &&
	diff <(config_rows) \
		<(sed -nE 's/^\.It Va ([a-z_]+) No =.*/\1/p' man/bvisor.conf.5 | sort)
}
config_example() {
	diff <(config_rows) \
		<(sed -nE 's/^#([a-z_]+) = .*/\1/p' etc/bvisor.conf | sort)
}
wasm_rows() {
	sed -nE 's/^\t\{ "(module|files|environment|streams|limits|machine|session)", "([a-z]+)", .*/\1 \2/p' \
		wasm/grant.c | sort
}
wasm_keys() {
	[ "$(wasm_rows | wc -l)" -ge 20 ] &&
	diff <(wasm_rows) <(awk '/^\.Sh / { section = $2 == "SESSIONS" ? "session" : "" }
		/^\.Ss \[[a-z]+\]$/ { section = substr($2, 2, length($2) - 2) }
		section != "" && $1 == ".It" && $2 == "Va" && $4 == "No" { print section, $3 }' \
		man/bvisor-wasm.d.5 | sort)
}
wasm_example() {
	diff <(wasm_rows | sed -n 's/^session //p') <(sed -nE 's/^#([a-z]+) = .*/\1/p' etc/wasm.conf | sort)
}
wasm_builtins() {
	local b bad=0
	for b in $(sed -nE 's/^\t\{ "([a-z]+)", [a-z]+, "[^"]+" \},/\1/p' wasm/shell/builtin.c); do
		grep -qE "^\.It Ic $b( |\$)" man/bvisor-wasm.1 || { echo "no '$b'"; bad=1; }
	done
	[ -n "${b:-}" ] && return $bad
}
# words FILE TABLE...: each "name" of the table in vocab.c stands in the page.
words() {
	local page=$1 table=$2 word bad=0 n=0
	for word in $(sed -n "/ $table\[\] = {/,/^};/p" core/vocab.c | grep -oE '"[A-Za-z-]+"' | tr -d '"'); do
		n=$((n + 1))
		grep -qE "(^|[ ,.\"])$word( |,|\.|\$)" "$page" || { echo "$page: no '$word'"; bad=1; }
	done
	[ "$n" -gt 5 ] && [ "$bad" = 0 ]
}
commands() {
	local c bad=0
	for c in $(sed -nE 's/^\t\{ "([a-z]+)", bvh_ctl_.*/\1/p' helper/ctl/main.c); do
		grep -qE "^\.It Cm $c\$" man/bvisorctl.8 || { echo "no '$c'"; bad=1; }
	done
	return $bad
}
options() { # of every getopt table
	local o bad=0
	for o in $(sed -nE 's/^\t+\{ "([a-z]+)", (required|no)_argument.*/\1/p' helper/ctl/*.c helper/ctl/out.h | sort -u); do
		grep -q -- "Fl -$o" man/bvisorctl.8 || { echo "no --$o"; bad=1; }
	done
	return $bad
}
arguments() { # of the PAM line
	local a bad=0
	for a in debug quiet exempt exec_boundary; do
		grep -qE "^\.It Cm $a( |\$)" man/pam_bvisor.8 && grep -q "\"$a" pam_bvisor/args.c ||
			{ echo "'$a'"; bad=1; }
	done
	return $bad
}

check 'bvisor-policy(5) has every key of the parser and no other' policy_keys
check 'bvisor.conf(5) has every key of the parser and no other' config_keys
check 'etc/bvisor.conf shows every key' config_example
check 'bvisor-wasm.d(5) has every key of the parser and no other' wasm_keys
check 'etc/wasm.conf shows every key' wasm_example
check 'bvisor-wasm(1) describes every builtin' wasm_builtins
check 'bvisor-policy(5) names every evidence claim' words man/bvisor-policy.5 evidence_names
check 'bvisor-policy(5) names every requirement' words man/bvisor-policy.5 kind_names
check 'bvisorctl(8) describes every command' commands
check 'bvisorctl(8) has every option' options
check 'pam_bvisor(8) has the arguments of the PAM line' arguments
finish
