# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# in: trixie
# timeout: 180
# Refused in the account stage the text reaches every kind of client as a banner
# and no stream is spoiled; refused in the session stage it still holds.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
set_policy student <<'END'
bvisor-policy 1
[policy]
action = refuse
[match]
group = students
END
pam_enable sshd

run ssh_as alice 'echo inside'
is "$status" 255 'account: the connection is closed'
is "$out" '' 'nothing comes on stdout'
contains "$err" 'refused' 'the text comes as a banner'
lacks "$err" student 'and names no policy'
run timeout 60 sftp -b - alice@127.0.0.1 <<<'ls'
isnt "$status" 0 'sftp is refused'
lacks "$out$err" 'too long' 'and its stream is clean'
contains "$err" 'refused' 'with the text'
run timeout 60 ssh -N alice@127.0.0.1
is "$status" 255 'ssh -N is closed, not left hanging'
run timeout 60 scp -q /etc/hostname alice@127.0.0.1:x
isnt "$status" 0 'scp is refused'
assert_no_leftovers 'nothing is left of them'
pam_enable sshd quiet
run ssh_as alice true
lacks "$err" 'refused' 'quiet: the text does not come'
pam_enable sshd exempt=alice
run ssh_as alice 'echo inside'
is "$out" inside 'exempt=USER lets in'
run ssh_as bob 'echo inside'
lacks "$out" inside 'only that one'
pam_enable sshd exempt=@students
run ssh_as bob 'echo inside'
is "$out" inside 'exempt=@GROUP lets in'
pam_enable sshd no_such_argument
run ssh_as carol 'echo inside'
lacks "$out" inside 'an unknown argument refuses'
run ssh_as root 'echo root'
is "$out" root 'but not root'

pam_enable -s sshd
run ssh_as alice 'echo inside; touch ~/inside'
isnt "$status" 0 'session: refused'
lacks "$out" inside 'nothing ran'
ok 'nothing at all' absent /home/alice/inside
run sftp_as alice <<<'put /etc/hostname inside'
isnt "$status" 0 'sftp is refused there too'
ok 'and wrote nothing' absent /home/alice/inside
# sshd keeps the connection of ssh -N, and forwards nothing on it.
port=$((20000 + RANDOM % 10000))
nc -l -k 127.0.0.1 "$port" >"$BV_STATE/heard" 2>&1 &
listener=$!
timeout 12 ssh -N -L "127.0.0.1:7201:127.0.0.1:$port" alice@127.0.0.1 2>/dev/null &
sleep 6
echo harm | nc -w 2 127.0.0.1 7201 >/dev/null 2>&1 || true
is "$(cat "$BV_STATE/heard")" '' 'ssh -N -L of a refused session reaches nothing'
wait $! || true
kill "$listener"
