#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisor-wasm with its lines on standard input, and the edges of what a command is
# granted: names, directories, files. Both isolations. Speaks TAP.
# shellcheck disable=SC2016,SC2034,SC2154 # for the shell under test; of and for the stage
set -u
umask 022
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BV_BUILD:-${1:-build/release}}")
modules=$build/modules
name='bvisor-wasm, lines and edges' uid=64995
# shellcheck source=tests/live/wasm-stage.inc
. tests/live/wasm-stage.inc

for m in cat wc head env true false; do
	grant $m '[streams]' 'stdin = yes' '[files]' 'write = ~/data'
done

# --- lines on standard input ---------------------------------------------------------

# stream HOW: the shell with commands on its standard input.
stream() {
	# shellcheck disable=SC2086 # no word or one
	out=$(as_user timeout 60 $wsh $1 2>"$work/err")
	status=$?
	err=$(cat "$work/err")
}
# a BYTES: as many of the letter.
a() { head -c "$1" /dev/zero | tr '\0' a; }
for how in '' --inline; do
	for end in TERM:143 INT:130 HUP:129; do
		mkfifo "$work/idle"
		exec 9<>"$work/idle"
		# shellcheck disable=SC2086 # no word or one
		as_user $wsh $how <"$work/idle" >"$work/said" 2>&1 9>&- &
		started=$!
		echo 'env ready' >&9
		for _ in $(seq 600); do
			! grep -q ready "$work/said" || break
			sleep 0.05
		done
		sleep 0.2 # it waits for the next line
		kill -"${end%:*}" "$(pgrep -U "$uid" -fx "$wsh ?$how" -o)"
		wait "$started"
		is $? "${end#*:}" "${end%:*} while no line is there: ${end#*:} ${how}"
		exec 9>&-
		rm "$work/idle"
	done
	# 'env ' and the rest: to the byte.
	stream "$how" < <(echo "env $(a 65532)"; echo 'env after')
	is "$status:${#out}:${out: -6:5}" "0:$((3 + 65532 + 2 + 9)):after" "a line of 65536 bytes is one $how"
	stream "$how" < <(echo 'false'; echo "env $(a 65533)"; echo 'env after')
	is "$status:$out:$err" '2::bvisor-wasm: a line over 65536 bytes; no more is read' \
		"one byte more: 2 and the end $how"
	stream "$how" < <(a 65537)
	is "$status" 2 "without a newline too $how"
	stream "$how" < <(printf 'env \nenv last')
	has "$out" '1=[last]' "a last line needs none $how"
done

echo "1..$n"
exit $bad
