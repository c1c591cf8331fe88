# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# Everything that moves files over ssh works inside the boundary as outside.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd

work=$(mktemp -d)
head -c 300000 /dev/urandom >"$work/data"
there=alice@127.0.0.1
rm -rf /home/alice/t && install -d -o alice -g alice /home/alice/t
sum() { sha256sum <"$1" 2>&1; }

run scp -q "$work/data" "$there:t/scp"
is "$status:$(sum /home/alice/t/scp)" "0:$(sum "$work/data")" 'scp brings a file'
run scp -q "$there:t/scp" "$work/back"
is "$status:$(sum "$work/back")" "0:$(sum "$work/data")" 'scp fetches it'
run scp -O -q "$work/data" "$there:t/scp-old"
is "$status:$(sum /home/alice/t/scp-old)" "0:$(sum "$work/data")" \
	'scp with its old protocol brings a file'

run sftp_as alice <<END
put $work/data t/sftp
rename t/sftp t/sftp2
mkdir t/dir
get t/sftp2 $work/sftp
ls t
END
is "$status:$(sum "$work/sftp")" "0:$(sum "$work/data")" \
	'sftp with the external server moves files'
ok 'and made a directory' test -d /home/alice/t/dir

cat >/etc/ssh/sshd_config.d/guest-internal.conf <<'END'
Match User bob
	ForceCommand internal-sftp
END
sshd_anew
run sftp_as bob <<END
put $work/data internal
get internal $work/internal
END
rm -f /etc/ssh/sshd_config.d/guest-internal.conf
sshd_anew
is "$status:$(sum "$work/internal")" "0:$(sum "$work/data")" \
	'internal-sftp moves files'
is "$(sum /home/bob/internal)" "$(sum "$work/data")" 'and they are on the disk'

mkdir "$work/tree"
cp "$work/data" "$work/tree/a"
ln -s a "$work/tree/link"
chmod 0750 "$work/tree/a"
run rsync -a -e ssh "$work/tree/" "$there:t/tree/"
is "$status:$err" '0:' 'rsync brings a tree without a word'
is "$(sum /home/alice/t/tree/a)" "$(sum "$work/data")" 'with its contents'
is "$(stat -c %a /home/alice/t/tree/a):$(readlink /home/alice/t/tree/link)" 750:a \
	'modes and links'
run rsync -a -e ssh "$there:t/tree/" "$work/tree2/"
is "$status:$(sum "$work/tree2/a")" "0:$(sum "$work/data")" 'rsync fetches it'

git init -q "$work/repo"
cd "$work/repo"
git config user.email t@example.org
git config user.name t
cp "$work/data" file
git add file
git commit -q -m one
run ssh_as alice 'git init -q --bare t/repo.git'
is "$status" 0 'git runs in the session'
run git push -q "$there:t/repo.git" HEAD:refs/heads/main
is "$status" 0 'git pushes over ssh'
run git clone -q -b main "$there:t/repo.git" "$work/clone"
is "$status:$(sum "$work/clone/file")" "0:$(sum "$work/data")" 'and clones'
rm -rf "$work"
