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
		as_user timeout 60 $wsh $how <"$work/idle" >"$work/said" 2>&1 9>&- &
		started=$!
		echo 'env ready' >&9
		for _ in $(seq 600); do
			! grep -q ready "$work/said" || break
			sleep 0.05
		done
		one=$(pgrep -U "$uid" -fx "$wsh ?$how" -o)
		for _ in $(seq 600); do
			[ -n "$(pgrep -P "$one")" ] || break
			sleep 0.05
		done
		sleep 0.2 # it waits for the next line
		kill -"${end%:*}" "$one"
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

# --- edges of what is granted ---------------------------------------------------------------

# h HOW LINE: status, out, err.
h() {
	# shellcheck disable=SC2086 # no word or one
	out=$(as_user timeout 60 $wsh $1 -c "$2" 2>"$work/err" </dev/null)
	status=$?
	err=$(cat "$work/err")
}
owned() { # PATH TEXT
	echo "$2" >"$1"
	chown "$uid:$uid" "$1"
}
for how in '' --inline; do
	h "$how" 'nosuch | cat > data/nosuch'
	[ $status = 127 ] && [ ! -e $data/nosuch ]
	ok $? "a pipeline with no such command: 127, and none is begun $how"
	grant cat '[files]' 'write = ~/data' '[limits]' 'files = 4'
	owned $data/kept kept
	for line in 'cd data; cat kept' 'cat $HOME/data/kept'; do
		h "$how" "$line"
		is "$status:$out" 0:kept "the least number of files is enough: $line $how"
	done
	grant cp '[files]' 'write = ~/data' '[limits]' 'files = 4'
	h "$how" 'cd data; cp kept copy'
	[ "$status" != 0 ] && [ ! -s $data/copy ]
	ok $? "and not for two $how"
	grant cp '[files]' 'write = ~/data' '[limits]' 'files = 5'
	h "$how" 'cd data; cp kept copy'
	is "$status:$(cat $data/copy)" 0:kept "which want one more $how"
	rm $data/copy
	grant cat '[streams]' 'stdin = yes' '[files]' 'write = ~/data'
	h "$how" 'cat < data/kept > data/new; cat $HOME/data/new'
	is "$status:$out" 0:kept "output goes into a new file $how"
	owned $data/long 'a longer line than that'
	h "$how" 'cat < data/kept > data/long; cat < data/kept >> data/long; cat $HOME/data/long'
	is "$status:$out" $'0:kept\nkept' "an old one is emptied first $how"
	printf x >>$store/cat.wasm
	h "$how" 'cat < data/long > data/kept'
	is "$status:$(cat $data/kept)" 126:kept "of a module that is another nothing is emptied $how"
	grant cat '[streams]' 'stdin = yes' '[files]' 'write = ~/data'
	install -d -o "$uid" -g "$uid" $data/tpl
	grant env '[files]' 'write = ~/data' 'read = ~/data/tpl'
	h "$how" 'env x'
	is $status 126 "read below write: refused $how"
	out=$("$ctl" wasm check env 2>&1)
	has "$out" "env.conf:6: [files] read: '~/data/tpl' lies in '~/data' of line 5" 'and check says why'
	grant env '[files]' "read = $data" 'write = %h/data'
	h "$how" 'env x'
	is $status 126 "however it is written $how"
	out=$("$ctl" wasm check --user bvt-wasm env 2>&1)
	has "$out" "env.conf:5: [files] read: '$data' lies in '$data' of line 6" 'and check says so of a user'
	grant env '[files]' 'read = ~/data' 'write = ~/data/tpl' 'read = -~/data/tpl2'
	h "$how" 'env x > data/tpl/x; env y > data/y'
	is "$status:$(cat $data/tpl/x)" '126:1=[x]' "write below read is as it says $how"
	grant env '[streams]' 'stdin = yes' '[files]' 'write = ~/data'
	rm -r $data/tpl
done
# The shell is the one process that the user may have: what is not begun is not counted.
out=$(as_user prlimit --nproc=1 $wsh -c 'true | true | true; limits' 2>"$work/err")
status=$? err=$(cat "$work/err")
has "$err" 'true: refused: no process for it' 'no process: refused'
has "$out" 'commands                     0 ' 'and not counted'
lacks "$out" 'without telling' 'nor taken for one that was killed'
ln -s bvt-wasm /home/bvt-link
for written in /home/bvt-wasm/ /home//bvt-wasm/./ /home/bvt-link//; do
	sed -i "s|^bvt-wasm:.*|bvt-wasm:x:$uid:$uid::$written:$wsh|" /etc/passwd
	h '' 'cd data; cd; pwd; env $HOME; cat $HOME/data/kept'
	plain=/home/bvt-wasm
	[[ $written != *link* ]] || plain=/home/bvt-link
	is "$status:$out" "0:$plain"$'\n'"1=[$plain]"$'\nkept' "a home that is written $written"
	out=$("$ctl" wasm check --user bvt-wasm cat env 2>&1)
	status=$?
	is $status 0 'and check finds its directories'
done
echo "1..$n"
exit $bad
