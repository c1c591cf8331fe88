# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# What a session shares with the host: a directory shown to be read, one to be
# written, and an outbox that is promoted when the session is over. Witness is
# the host's disk.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
pam_enable sshd

rm -rf /srv/course /srv/pool /srv/in
install -d -m 0755 /srv/course /srv/in
install -d -m 0777 /srv/pool
echo one >/srv/course/lesson
chmod 0666 /srv/course/lesson
mknod -m 0666 /srv/course/zero c 1 5
echo secret >/srv/guest-secret
chmod 0600 /srv/guest-secret
install -d -o alice /home/alice/course

share() {
	policy_student 'processes = 64' 'storage = 4M' '[temp]' 'private = yes' \
		'[expose]' 'read = /srv/course -> ~/course' \
		'write = /srv/pool -> /tmp/pool' \
		'[outbox]' 'path = /tmp/out' 'commit = durable' 'to = /srv/in' \
		'owner = user' 'mode = 0640'
}
# newest: the record of alice's last session. The list is read to its end: who writes
# to somebody that has left fails, and with it the whole line.
newest() {
	# shellcheck disable=SC2012,SC2046 # names of hexadecimal digits
	grep -ls '"alice"' $(ls -t /var/lib/bvisor/sessions/*.json) | sed -n 1p || true
}
settled() { grep -q '"state":"closed"' "$(newest)"; }
# digests_hold RECORD: what was taken is on the disk as the report says.
digests_hold() {
	python3 - "$1" <<'PY'
import hashlib, json, sys
with open(sys.argv[1]) as f:
    report = json.load(f)
taken = [o for o in report["outputs"] if o["refused"] == ""]
assert len(taken) >= 3, taken
for o in taken:
    with open(f"/srv/in/{report['session_id']}/{o['name']}", "rb") as f:
        data = f.read()
    assert len(data) == o["bytes"], o
    assert hashlib.sha256(data).hexdigest() == o["sha256"], o
PY
}

share
# shellcheck disable=SC2016 # the remote shell's own
# The writer in the background is still at it when the session is closed.
run ssh_as alice '
	cat ~/course/lesson
	(echo bad >>~/course/lesson) 2>&1
	echo "node $(head -c 1 ~/course/zero 2>/dev/null | wc -c)"
	echo mine >/tmp/pool/mine
	mkdir /tmp/out/d
	echo result >/tmp/out/result
	echo more >/tmp/out/d/more
	mkfifo /tmp/out/fifo
	ln -s /srv/guest-secret /tmp/out/link
	setsid sh -c "while :; do echo late; done >/tmp/out/late" </dev/null >/dev/null 2>&1 &
	until [ -s /tmp/out/late ]; do sleep 0.1; done
	echo left'
contains "$out" one 'what is exposed can be read'
contains "$out" left 'the session used what it was given'
unharmed expose-write 'a directory exposed to be read is not written' \
	same "$(cat /srv/course/lesson)" one
unharmed expose-node 'nor is a device in it one' \
	same "$(sed -n 's/^node //p' <<<"$out")" 0
if wait_for 30 settled; then
	record=$(newest)
	box=/srv/in/$(basename "$record" .json)
	unharmed outbox-link 'a link in the outbox is not followed' \
		absent "$box/link"
	if [ -z "$BV_ONLY" ]; then
		is "$(cat /srv/pool/mine)" mine 'what is exposed to be written is'
		is "$(cat "$box/result" "$box/d/more")" $'result\nmore' \
			'the outbox is promoted'
		is "$(stat -c '%U %a' "$box/result")" 'alice 640' \
			'with the owner and mode that the policy says'
		ok 'the report has the digests of what is on the disk' \
			digests_hold "$record"
		contains "$(cat "$record")" '"name":"fifo","refused":"fifo"' \
			'a FIFO is refused by name'
		contains "$(cat "$record")" 'attested_expose' \
			'the mounts were read from the kernel'
		ok 'nothing of it was in the /tmp of the host' absent /tmp/out
		not_ok 'no staging directory is left' \
			compgen -G '/srv/in/.bvisor-*'
	fi
else
	fail 'the session is over' "record $(newest)"
fi

if wanted outbox-bytes; then
	rm -rf /srv/in/*
	run ssh_as alice 'truncate -s 64M /tmp/out/hole && echo left'
	contains "$out" left 'a hole larger than the budget'
	if wait_for 30 settled; then
		unharmed outbox-bytes 'does not reach the host' same \
			"$(find /srv/in -name hole)" ''
	else
		fail 'outbox-bytes: the session is over'
	fi
	[ -n "$BV_ONLY" ] || contains "$(cat "$(newest)")" \
		'outbox refuse: more than 4194304 bytes' 'and the report says why'
fi
if wanted outbox-journal; then
	rm -rf /srv/in/* /home/alice/ready /home/alice/go
	# The journal goes while the session lives: another one begins.
	(
		wait_for 50 test -e /home/alice/ready
		rm -f /var/lib/bvisor/journal.*
		touch /home/alice/go
	) &
	away=$!
	# shellcheck disable=SC2016 # the remote shell's own
	run ssh_as alice '
		echo result >/tmp/out/result
		touch ~/ready
		for _ in $(seq 600); do [ -e ~/go ] && break; sleep 0.1; done
		[ -e ~/go ] && echo left'
	wait $away
	contains "$out" left 'a session whose journal is another one at its end'
	if wait_for 30 settled; then
		unharmed outbox-journal 'no byte moves without its decision there' \
			same "$(find /srv/in -name result)" ''
	else
		fail 'outbox-journal: the session is over'
	fi
	[ -n "$BV_ONLY" ] || contains "$(cat "$(newest)")" \
		"not in the journal as 'decided'" 'and the report says why'
	rm -f /home/alice/ready /home/alice/go
fi
rm -rf /srv/course /srv/pool /srv/in /srv/guest-secret
