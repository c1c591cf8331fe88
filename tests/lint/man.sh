#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual renders without a warning.
. tests/lint/tap.sh.inc

renders() {
	local out
	out=$(groff -mdoc -Tutf8 -ww -z "$1" 2>&1)
	echo "$out"
	[ -z "$out" ]
}
# A line's tag is the word of whoever wrote it, and so is every field without "_".
believes_a_tag() {
	grep -rnE 'journalctl (-t|BVISOR_)' man README.md etc helper
}
no() { ! "$@"; }
exit_status() { sed -n '/^\.Sh EXIT STATUS/,/^\.It 2/p' man/bvisorctl.8; }
said_twice() { exit_status | grep -v '^\.' | tr -d '.;' | sort | uniq -d | grep .; }
ends_early() { exit_status | grep -n -A 1 '\.$' | grep -E '^[0-9]+-(\.Cm|[a-z])'; }
for page in man/*.[1-8]; do
	check "$(basename "$page") renders" renders "$page"
done
check 'who wrote a line of the log is asked of journald' no believes_a_tag
check 'bvisorctl: no exit status says a thing twice' no said_twice
check 'bvisorctl: no exit status ends in the middle' no ends_early
finish
