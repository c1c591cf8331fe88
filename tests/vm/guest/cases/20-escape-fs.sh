# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# Reading and writing outside the declared roots, by every way a path can take.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

denied='EACCES|EPERM|EROFS|EXDEV'
# NAME WHAT
list='
read reading a file
list listing a directory
write appending to a file
create making a file
tmpfile making a nameless file
open-trunc emptying a file by opening it
trunc-read emptying a file by opening it for reading
truncate truncate(2)
ftruncate ftruncate(2)
rename-in taking a file away by rename
rename-out putting a file there by rename
rename-over replacing a file by rename
rename-exchange exchanging two files
rename-within renaming a file where it is
link-in a hard link to a file
link-out a hard link into the directory
symlink-out making a symbolic link there
symlink-follow reading through a symbolic link
symlink-swap a root swapped for a symbolic link
unlink removing a file
rmdir removing a directory
mkdir making a directory
mkfifo making a fifo
mksock making a socket
exec running a program
proc-root a path through /proc/self/root
opath-reopen reopening an O_PATH descriptor
opath-dir openat() below an O_PATH directory
chdir-relative a relative path after chdir
dotdot a path with ..
'
other='
proc-pid-root a path through /proc/PID/root
proc-pid-cwd a path through /proc/PID/cwd
proc-pid-fd a descriptor of another process in /proc/PID/fd
'
mapfile -t names < <(awk 'NF { print $1 }' <<<"$list$other")
# stage USER: victims, and what some attacks need besides.
stage() {
	outside "$1" "${names[@]}" inherited-fds
	install -d -m 0777 -o "$1" "$OUT/rmdir.dir"
	install -m 0777 -o "$1" /bin/true "$OUT/exec.bin"
}
stage alice
victim alice
rm -rf /home/alice/in
install -d -o alice -g alice /home/alice/in
before=$(manifest "$OUT")

# shellcheck disable=SC2086 # words
tries alice attack-fs "OUT=$OUT IN=/home/alice/in PID=$VICTIM" ${BV_ONLY:-all}
while read -r name what; do
	[ -z "$name" ] || stopped "$name" "$denied" "$what"
done <<<"$list$other"
stopped inherited-fds EBADF 'nothing open was inherited'
kill -KILL "$VICTIM"
if [ -z "$BV_ONLY" ]; then
	is "$(manifest "$OUT")" "$before" 'the disk outside is as it was'
	is "$(find /home/alice/in -name '*.got')" '' 'nothing of it came inside'
fi

# The same program where the policy grants it: the attacks are no blanks.
if [ -z "$BV_ONLY" ]; then
	rm -rf /home/alice/in /home/alice/control
	OUT=/home/alice/control stage alice
	chown alice: /home/alice/control
	install -d -o alice -g alice /home/alice/in
	mapfile -t works < <(awk 'NF && $1 != "exec" { print $1 }' <<<"$list")
	tries alice attack-fs 'OUT=/home/alice/control IN=/home/alice/in' \
		"${works[@]}"
	all_through 'inside the roots all of that works' "${works[@]}"
	rm -rf /home/alice/control
fi

# --- /tmp is the session's own

if any_wanted tmp-read tmp-write; then
	rm -f /tmp/planted /var/tmp/planted
	echo of-the-host >/tmp/of-the-host
	chmod 0644 /tmp/of-the-host
	run ssh_as alice 'echo x >/tmp/planted && echo x >/var/tmp/planted &&
		cat /tmp/planted; cat /tmp/of-the-host; echo @tried'
	if [[ $out != *@tried* ]]; then
		untried tmp-read 'reading the /tmp of the host' "$out"
		untried tmp-write 'writing the /tmp of the host' "$out"
	else
		unharmed tmp-read 'reading the /tmp of the host' \
			eval '[[ $out != *of-the-host* ]]'
		unharmed tmp-write 'writing the /tmp of the host' \
			eval 'absent /tmp/planted && absent /var/tmp/planted'
		[ -n "$BV_ONLY" ] || contains "$out" x 'the session has one of its own'
	fi
	rm -f /tmp/of-the-host /tmp/planted /var/tmp/planted
fi
