# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# internal-sftp runs in sshd's own process, with no shell to confine: the files
# outside the roots are as far away for it.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd
trap 'rm -f /etc/ssh/sshd_config.d/guest-internal.conf; sshd_anew; _mux_close_all' EXIT
printf 'Match User alice,carol\n\tForceCommand internal-sftp\n' \
	>/etc/ssh/sshd_config.d/guest-internal.conf
sshd_anew

work=$(mktemp -d)
echo harm, and longer than what it replaces >"$work/harm"
names=(get put-over append rename rename-in rename-over rm ln-in ln-out
	symlink-get copy-in copy-out truncate)
attempt() { # attempt USER: every attack in one batch, "-": go on
	rm -rf "/home/$1/s" && install -d -o "$1" -g "$1" "/home/$1/s"
	rm -f "$work"/got.*
	outside "$1" "${names[@]}"
	install -d -o "$1" -m 0777 "$OUT/rmdir"
	before=$(manifest "$OUT")
	run sftp_as "$1" <<END
put $work/harm s/own
put $work/harm s/own2
-get $OUT/get $work/got.get
-ls $OUT
-put $work/harm $OUT/put.new
-put $work/harm $OUT/put-over
-reput $work/harm $OUT/append
-rename $OUT/rename $OUT/rename.new
-rename $OUT/rename-in s/rename-in
-rename s/own2 $OUT/rename-over
-rename s/own2 $OUT/rename.out
-rm $OUT/rm
-mkdir $OUT/mkdir.new
-rmdir $OUT/rmdir
-ln $OUT/ln-in s/ln-in
-get s/ln-in $work/got.ln-in
-ln s/own $OUT/ln-out.new
-symlink /etc/shadow $OUT/symlink.new
-symlink $OUT/symlink-get s/link
-get s/link $work/got.symlink-get
-symlink $OUT s/dirlink
-put $work/harm s/dirlink/symlink-put.new
-cp $OUT/copy-in s/copy-in
-get s/copy-in $work/got.copy-in
-cp s/own $OUT/copy-out
-cp s/own $OUT/copy.new
-get /proc/self/root$OUT/get $work/got.root
put $work/harm s/last
END
}
# unread NAME DESC FILE: the client got no byte of it.
unread() { unharmed "$1" "$2" eval "! grep -q untouched '$3' 2>/dev/null"; }
kept() { [ "$(cat "$OUT/$1")" = untouched ]; }

attempt alice
if [ "$status" != 0 ] || [ ! -s /home/alice/s/last ]; then
	for name in sftp-get sftp-put sftp-over sftp-rename sftp-symlink sftp-ln; do
		untried "$name" 'the batch' 'it did not run to its end'
	done
else
	unread sftp-get 'get of a file outside' "$work/got.get"
	unread sftp-proc-root 'get through /proc/self/root' "$work/got.root"
	unharmed sftp-ls 'ls of a directory outside' \
		eval '! grep -v "^sftp>" <<<"$out" | grep -q put-over'
	unharmed sftp-put 'put of a new file' absent "$OUT/put.new"
	unharmed sftp-over 'put over a file' kept put-over
	unharmed sftp-append 'reput into a file' kept append
	unharmed sftp-rename 'rename of a file' kept rename
	unharmed sftp-rename-in 'rename into the roots' kept rename-in
	unharmed sftp-rename-out 'rename out of the roots' \
		eval 'kept rename-over && absent "$OUT/rename.out"'
	unharmed sftp-rm 'rm of a file' kept rm
	unharmed sftp-mkdir 'mkdir' absent "$OUT/mkdir.new"
	unharmed sftp-rmdir 'rmdir' test -d "$OUT/rmdir"
	unread sftp-ln 'a hard link to a file' "$work/got.ln-in"
	unharmed sftp-ln-out 'a hard link outside' absent "$OUT/ln-out.new"
	unharmed sftp-symlink-out 'a symbolic link outside' absent "$OUT/symlink.new"
	unread sftp-symlink 'get through a symbolic link' "$work/got.symlink-get"
	unharmed sftp-symlink-put 'put through a symbolic link' \
		absent "$OUT/symlink-put.new"
	unread sftp-copy 'a copy by the server' "$work/got.copy-in"
	unharmed sftp-copy-out 'a copy over a file' \
		eval 'kept copy-out && absent "$OUT/copy.new"'
	[ -n "$BV_ONLY" ] ||
		is "$(manifest "$OUT")" "$before" 'the disk outside is as it was'
fi

if [ -z "$BV_ONLY" ]; then
	attempt carol
	is "$status" 0 'the same batch runs for an unconfined account'
	ok 'there get does get' grep -qx untouched "$work/got.get"
	ok 'put does put' test -s "$OUT/put.new"
	not_ok 'reput does append' kept append
	isnt "$(manifest "$OUT")" "$before" 'and the disk outside is harmed'
fi
rm -rf "$work"
