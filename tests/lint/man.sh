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
for page in man/*.[1-8]; do
	check "$(basename "$page") renders" renders "$page"
done
finish
