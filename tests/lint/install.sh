#!/bin/bash
# SPDX-License-Identifier: MIT
# make install and make uninstall, into a DESTDIR with a blank in its name. All of
# it is made by a compiler that only writes down which places it was to compile in;
# the module and the helper's main by the real one too.
. tests/lint/tap.sh.inc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dest="$work/with blank"
real_cc=${CC:-cc}
libpam=/usr/lib/$($real_cc -print-multiarch)/security

cat >"$work/cc" <<'CC'
#!/bin/bash
# -c: what is to be compiled in. Else: all that of what is linked.
[ "$1" != -print-multiarch ] || exec "$REAL_CC" "$1"
places=() parts=()
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2; shift ;;
	-DBV_*=*) places+=("$1") ;;
	*.o) parts+=("$1") ;;
	esac
	shift
done
[ ${#parts[@]} -eq 0 ] || exec cat "${parts[@]}" >"$out"
printf '%s\n' "${places[@]}" >"$out"
CC
chmod 0755 "$work/cc"
export REAL_CC=$real_cc
unset MAKEFLAGS MAKELEVEL MFLAGS
in_make() { # ARGS...: with the compiler that notes
	make -s CC="$work/cc" O="$work/o" DESTDIR="$dest" "$@"
}
listing() { (cd "$dest" && find . ! -type d | sort); }
# compiled_in FILE: each place that is compiled into it, once.
compiled_in() { sed -nE 's/^-DBV_[A-Z_]+="(\/.*)"$/\1/p' "$1" | sort -u; }

installs() { in_make "$@" all && in_make "$@" install; }
# As somebody who has built it, and then decides where to.
other_prefix() { in_make all && in_make install prefix=/usr/local; }
# Each place that a program was told is there.
places_exist() {
	local file place bad=0 n=0
	for file in "$dest$libpam/pam_bvisor.so" "$dest"/usr/local/{libexec,bin,sbin}/bvisor*; do
		while read -r place; do
			n=$((n + 1))
			[ "$place" = "$libpam" ] || [ -e "$dest$place" ] ||
				{ echo "$file: no $place"; bad=1; }
		done < <(compiled_in "$file")
	done
	echo "$n places"
	[ $bad -eq 0 ] && [ $n -ge 20 ]
}
module_asks_for() { [ "$(compiled_in "$dest$libpam/pam_bvisor.so")" = "$1" ]; }
# … and each that a unit, a page, an example or the README names.
texts_name_places() {
	local place bad=0 n=0
	while read -r place; do
		n=$((n + 1))
		[ -e "$dest$place" ] || { echo "no $place"; bad=1; }
	done < <(texts -ohE '/[a-z/]+/(bvisor-(helper|shell|wasm)|lib/bvisor/wasm|doc/pam_bvisor[a-z./-]*)\b' |
		grep -v '^/usr/share/man' | sort -u)
	echo "$n places"
	[ $bad -eq 0 ] && [ $n -ge 5 ]
}
texts() { # GREP ARGS...
	grep -r "$@" "$dest"/*/share/doc/pam_bvisor "$dest"/*/*/share/doc/pam_bvisor \
		"$dest"/*/*/*/man* "$dest"/*/*/*/*/man* "$dest"/usr/*/systemd "$dest"/usr/*/*/systemd \
		2>/dev/null
}
unit_starts() { grep -qx "ExecStart=$1/bvisor-helper hold" "$dest$2/bvisor.service"; }
profile_is_found() { grep -q '	pam_bvisor.so ' "$dest/usr/share/pam-configs/bvisor"; }
own_securedir() {
	local in=/opt/bv/lib/security
	installs prefix=/opt/bv securedir=$in && [ -e "$dest$in/pam_bvisor.so" ] &&
		grep -q "	$in/pam_bvisor.so " "$dest/usr/share/pam-configs/bvisor" &&
		grep -qx "session  required  $in/pam_bvisor.so exempt=@sudo" \
			"$dest/opt/bv/share/doc/pam_bvisor/examples/bvisor"
}
nothing_to_do() { # when the places are as they were
	local said
	said=$(make -n CC="$work/cc" O="$work/o" "$@" all | grep -v 'Nothing to be done')
	echo "$said"
	[ -z "$said" ]
}
real_ones() { # a module that was built for other places
	make -s O="$work/real" "$work/real/pam_bvisor.so" &&
		strings "$work/real/pam_bvisor.so" | grep -qx /usr/libexec/bvisor-helper &&
		make -s O="$work/real" prefix=/usr/local "$work/real/pam_bvisor.so" &&
		strings "$work/real/pam_bvisor.so" | grep -qx /usr/local/libexec/bvisor-helper
}

# --- uninstall ---------------------------------------------------------------------

pam=etc/pam.d
# refuses LINE WORDS: with LINE in a file of PAM's nothing is removed, and WORDS said.
refuses() {
	local before said
	before=$(listing)
	if said=$(in_make uninstall prefix=/usr/local 2>&1); then
		echo "went ahead"
		return 1
	fi
	echo "$said"
	grep -qF -- "$1" <<<"$said" && grep -q 'pam-auth-update --remove bvisor' <<<"$said" &&
		[ "$before" = "$(listing)" ]
}
line_stops() {
	mkdir -p "$dest/$pam" && printf '# head\n%s\n' "$1" >"$dest/$pam/sshd" &&
		refuses "$pam/sshd:2:"
}
profile_stops() {
	printf '# none\n' >"$dest/$pam/sshd"
	mkdir -p "$dest/var/lib/pam" &&
		printf 'Module: unix\nrequired\tpam_unix.so\nModule: bvisor\n' >"$dest/var/lib/pam/session" &&
		refuses 'var/lib/pam/session:3:'
}
removes() {
	printf '# session required pam_bvisor.so\nauth required pam_unix.so # pam_bvisor.so\n' >"$dest/$pam/sshd"
	printf 'session required pam_bvisor.so\n' >"$dest/$pam/sshd.dpkg-old"
	# What pam-auth-update --force --remove bvisor leaves.
	printf 'session required pam_bvisor.so\n' >"$dest/$pam/common-session.pam-old"
	printf 'Module: unix\n' >"$dest/var/lib/pam/session"
	in_make uninstall prefix=/usr/local
}
left() { # what stays is the administrator's
	local got want
	got=$(listing)
	want=$(printf './%s\n' $pam/common-session.pam-old $pam/sshd $pam/sshd.dpkg-old etc/bvisor/bvisor.conf var/lib/pam/session | sort)
	echo "$got"
	[ "$got" = "$want" ]
}
no_directory_of_ours() {
	local got
	got=$(find "$dest" -type d -empty -ipath '*bvisor*')
	echo "$got"
	[ -z "$got" ] && [ -d "$dest/usr/local/bin" ] && [ -d "$dest$libpam" ]
}
keeps_what_is_in_them() { # a module of the store, a policy, somebody's example
	installs prefix=/usr/local || return 1
	touch "$dest/usr/local/lib/bvisor/wasm/wc.wasm" "$dest/etc/bvisor/policies/mine.conf" \
		"$dest/usr/local/share/doc/pam_bvisor/examples/mine.conf"
	in_make uninstall prefix=/usr/local &&
		[ -e "$dest/usr/local/lib/bvisor/wasm/wc.wasm" ] &&
		[ -e "$dest/etc/bvisor/policies/mine.conf" ] &&
		[ -e "$dest/usr/local/share/doc/pam_bvisor/examples/mine.conf" ] &&
		[ ! -e "$dest/etc/bvisor/wasm.d" ]
}

# --- usage -------------------------------------------------------------------------

build=$1
helps() { # PROGRAM
	local said
	said=$("$build/$1" --help 2>"$work/err") && [ ! -s "$work/err" ] &&
		grep -q "^usage: $1 " <<<"$said"
}
wrong_usage() { # PROGRAM
	local said
	said=$("$build/$1" --nonsense 2>"$work/err")
	[ $? -eq 2 ] && [ -z "$said" ] && grep -q "^usage: $1 " "$work/err"
}

check 'make install prefix=/usr/local, of what was built without' other_prefix
check 'the module is where libpam looks' test -e "$dest$libpam/pam_bvisor.so"
check 'the module asks for the helper where it is' module_asks_for /usr/local/libexec/bvisor-helper
check 'every place that is compiled in exists' places_exist
check 'every place that a page, an example or the README names exists' texts_name_places
check 'none of them names /usr for /usr/local' bash -c "! grep -rnE '/usr/(bin|libexec|lib)/bvisor|/usr/share/doc' '$dest/usr/local'/{share,lib/systemd}"
check 'the unit starts the helper where it is' unit_starts /usr/local/libexec /usr/local/lib/systemd/system
check 'the profile is where pam-auth-update looks' profile_is_found
check 'when no place has changed nothing is made again' nothing_to_do prefix=/usr/local
check 'a real module is made again for other places' real_ones
check 'uninstall: a PAM line stops it' line_stops 'session required pam_bvisor.so'
check 'uninstall: so does one with a path and words' line_stops 'session [success=ok default=die] /lib/security/pam_bvisor.so quiet'
check 'uninstall: so does the profile' profile_stops
check 'uninstall: a comment and a backup do not' removes
check 'uninstall: every file of ours is gone, and no other' left
check 'uninstall: no empty directory of ours, every one of the system is left' no_directory_of_ours
check 'uninstall: what others put into them is left' keeps_what_is_in_them
check 'a securedir that libpam does not search stands in the PAM lines' own_securedir
check 'bvisor-helper --help' helps bvisor-helper
check 'bvisor-wasm --help' helps bvisor-wasm
check 'bvisor-helper: another word is wrong usage' wrong_usage bvisor-helper
check 'bvisor-wasm: another word is wrong usage' wrong_usage bvisor-wasm
finish
