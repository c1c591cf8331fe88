#!/bin/bash
# SPDX-License-Identifier: MIT
# bvisorctl wasm: what it takes into the store and what it says of what is there is
# what a login's shell runs. Speaks TAP.
# shellcheck disable=SC2016,SC2034,SC2154 # for the shell under test; of and for the stage
set -u
umask 022
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${BV_BUILD:-${1:-build/release}}")
modules=$build/modules
name='bvisorctl wasm' uid=64994
# shellcheck source=tests/live/wasm-stage.inc
. tests/live/wasm-stage.inc

c() { # ARGUMENT...: status, out, err of bvisorctl wasm
	out=$("$ctl" wasm "$@" 2>"$work/err")
	status=$?
	err=$(cat "$work/err")
}
# module NAME HEX...: sections behind the magic; each begins with its kind, its
# length is put in here (below 128).
module() {
	local to=$work/$1.wasm section hex=0061736d01000000
	shift
	for section in "$@"; do
		section=${section// /}
		hex+=${section:0:2}$(printf %02x $((${#section} / 2 - 1)))${section:2}
	done
	# shellcheck disable=SC2001,SC2059 # two digits each
	printf "$(sed 's/../\\x&/g' <<<"$hex")" >"$to"
}
text() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n'; }
# forced NAME: past the tool, as an administrator's own hand would.
forced() {
	install -m 0644 "$work/$1.wasm" $store/
	printf 'bvisor-wasm 1\n[module]\ndigest = %s\n' \
		"$(sha256sum <"$work/$1.wasm" | cut -d' ' -f1)" >$grants/"$1".conf
}
kept() { is "$(cat $grants/"$1".conf)" "$2" "$3"; }

# --- what a login refuses is refused ------------------------------------------------

nothing='01 01 600000' own='03 01 00' body='0a 01 02 000b'
start="07 01 06$(text _start)00 00"
wasi=16$(text wasi_snapshot_preview1)
module sound "$nothing" "$own" "$start" "$body"
module signature "$nothing" "02 01 $wasi 09$(text proc_exit) 00 00" "$own" "07 01 06$(text _start)00 01" "$body"
module unknown "$nothing" "02 01 $wasi 09$(text proc_fork) 00 00" "$own" "07 01 06$(text _start)00 01" "$body"
module data "$nothing" "$own" '05 01 0001' "$start" "$body" '0b 01 00 418080040b 0161'
module table "$nothing" "$own" '04 01 7000 80897a' "$start" "$body"
module longer "$nothing" "$own" "07 01 08$(text _start)0078 00 00" "$body"
module memory "$nothing" "$own" '05 01 00 d00f' "$start" "$body"
module simd "$nothing" "$own" "$start" '0a 01 15 00fd0c000102030405060708090a0b0c0d0e0f1a0b'
module atomics "$nothing" "$own" '05 01 030101' "$start" "$body"
module traps "$nothing" "$own" "$start" '08 00' '0a 01 03 00000b'
c add sound "$work/sound.wasm"
is "$status" 0 'a sound one is taken'
w sound
is "$status:$err" 0: 'and runs'
for m in signature unknown data table longer memory simd atomics; do
	c add $m "$work/$m.wasm"
	is $status 1 "$m: add refuses it"
	has "$err" "$work/$m.wasm: " "$m: and says what it means"
	[ ! -e $store/$m.wasm ] && [ ! -e $grants/$m.conf ]
	ok $? "$m: and leaves nothing"
	forced $m
	w $m
	is $status 126 "$m: the shell refuses it"
	c check $m
	is $status 1 "$m: and check says so"
	c list --json
	is "$(jq -c ".[] | select(.name == \"$m\") | .ok" <<<"$out")" false "$m: and list"
	rm $grants/$m.conf $store/$m.wasm
done
c add traps "$work/traps.wasm"
is $status 0 'nothing of it runs: a start function that traps is found by who runs it'
w traps
is $status 134 'as a trap'
printf 'bvisor-wasm 1\n[limits]\nmemory = 200M\n' >$grants/memory.conf
c add memory "$work/memory.wasm"
is $status 0 'what its grant gives more memory is taken'
w memory
is $status 0 'and runs'
module tables "$nothing" "$own" '04 01 7000 a08d06' "$start" "$body"
printf 'bvisor-wasm 1\n[limits]\nmemory = 1M\n' >$grants/tables.conf
c add tables "$work/tables.wasm"
is $status 1 'more entries of tables than its grant has memory for are refused'
printf 'bvisor-wasm 1\n[limits]\nmemory = 64M\n' >$grants/tables.conf
c add tables "$work/tables.wasm"
is $status 0 'with more memory they are taken'
w tables
is $status 0 'and run'

# --- the grant ------------------------------------------------------------------------

digest=$(sha256sum <"$work/sound.wasm" | cut -d' ' -f1)
before=$'bvisor-wasm 1\n[module]\n'$(for _ in $(seq 3000); do echo 'digest='; done)
echo "$before" >$grants/sound.conf
rm $store/sound.wasm
c add sound "$work/sound.wasm"
is $status 1 'a grant with 3000 digests is refused'
has "$err" "$grants/sound.conf:4: [module] 'digest' stands at line 3 already" 'with its line'
kept sound "$before" 'and stays'
[ ! -e $store/sound.wasm ]
ok $? 'and no module is put into the store'
added() { # BEFORE AFTER WHAT
	printf %s "$1" >$grants/sound.conf
	c add sound "$work/sound.wasm"
	is $status 0 "$3: taken"
	kept sound "$2" "$3: the digest is written"
	w sound
	is $status 0 "$3: and it runs"
}
line="digest = $digest"
added $'bvisor-wasm 1\n[module]\ndescription = x\n[limits]\nfuel = 1K\n' \
	$'bvisor-wasm 1\n[module]\n'"$line"$'\ndescription = x\n[limits]\nfuel = 1K' 'without a digest'
added $'bvisor-wasm 1\n[limits]\nfuel = 1K' \
	$'bvisor-wasm 1\n[limits]\nfuel = 1K\n[module]\n'"$line" 'without [module]'
added $'bvisor-wasm 1\n[module]' $'bvisor-wasm 1\n[module]\n'"$line" 'that ends with [module]'
added $'bvisor-wasm 1\n# digest: below\n[module]\n \tdigest\t=x\n# end' \
	$'bvisor-wasm 1\n# digest: below\n[module]\n'"$line"$'\n# end' 'with one that is none'
for before in 'bvisor-wasm 2' $'bvisor-wasm 1\n[module]\ndigest = x\nfule = 3' $'bvisor-wasm 1\n[limits]\ndigest = x' ''; do
	echo "$before" >$grants/sound.conf
	c add sound "$work/sound.wasm"
	is $status 1 "broken: ${before//$'\n'/; }"
	has "$err" "$grants/sound.conf:" 'and that is said'
	kept sound "$before" 'and it stays'
done
printf 'bvisor-wasm 1\n\0[module]\n' >$grants/sound.conf
c add sound "$work/sound.wasm"
is $status 1 'a grant with a NUL byte'
rm $grants/sound.conf
w help
builtins=$(sed -n '/^builtins:/,/^commands:/s/^  \([a-z]*\) .*/\1/p' <<<"$out")
[ "$(wc -w <<<"$builtins")" -ge 7 ]
ok $? 'there are builtins'
for b in $builtins; do
	c add "$b" "$work/sound.wasm"
	[ $status = 1 ] && [ ! -e $grants/"$b".conf ]
	ok $? "no command is named $b"
done

# --- words ----------------------------------------------------------------------------

c add sound "$work/sound.wasm" --json
is "$status:$(jq -c '[.name, .sha256, .bytes, .imports, .pages, .grant_made]' <<<"$out")" \
	"0:[\"sound\",\"$digest\",$(stat -c %s "$work/sound.wasm"),0,0,true]" 'add --json'
c add --json sound "$work/sound.wasm"
is "$status:$(jq -c .grant_made <<<"$out")" 0:false 'before its words as well'
c check sound --json
is "$status:$(jq -c '[.[] | .name, .ok]' <<<"$out")" '0:["sound",true]' 'check NAME --json'
c check sound sound
is "$status:$err" 0: 'a name may be said twice'
c check sound nope sound
is "$status:$err" "1:bvisorctl: wasm: there is no command 'nope'" 'and one that is none is named'
c run sound --json
is $status 0 'behind run --json is the command'\''s'
# --- the README's own lines ---------------------------------------------------------------

# As after make install, with /usr and /etc of the stage.
mount -t tmpfs -o mode=0755 tmpfs /var/log
[ ! -d /var/mail ] || mount -t tmpfs -o mode=0755 tmpfs /var/mail
mkdir -p /etc/bvisor/policies /usr/share/doc/pam_bvisor/examples "$work/readme/wasm"
install -m 0644 etc/policies/wasm-only.conf /usr/share/doc/pam_bvisor/examples/
install -m 0755 "$ctl" /usr/bin/bvisorctl
cp -r wasm/modules "$work/readme/wasm/"
grep -v '^guest:' /etc/passwd >"$work/passwd" && cat "$work/passwd" >/etc/passwd
sed -n '/^## Accounts that run WebAssembly/,/^    \$ ssh/s/^    //p' README.md >"$work/readme/lines"
remote=$(sed -n "s/^\\$ ssh guest@host '\(.*\)'$/\1/p" "$work/readme/lines")
[ -n "$remote" ] && [ "$(wc -l <"$work/readme/lines")" -ge 8 ]
ok $? 'the README has lines'
while IFS= read -r line; do
	case $line in '' | '#'* | '$'*) continue ;; esac
	# What its last word says is of the whole machine, not of this stage.
	[[ $line != 'bvisorctl wasm check'* ]] || line=${line%%;*}
	out=$(cd "$work/readme" && bash -c "$line" 2>"$work/err")
	status=$?
	err=$(cat "$work/err")
	is $status 0 "README: $line"
done <"$work/readme/lines"
id=$(id -u guest)
out=$(setpriv --reuid "$id" --regid "$id" --clear-groups env -i $wsh -c "$remote" 2>&1)
status=$?
is "$status:$out" '0:1 4 16' "README: $remote"
is "$(getent passwd guest | cut -d: -f7)/$(id -nG guest)" "$wsh/guest wasm-only" 'README: its shell and group'
echo "1..$n"
exit $bad
