# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 180
# More tasks than the limit: processes and threads, seen in the leaf's own count.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

mux_open alice
hold keeper alice -o ControlPath="$BV_STATE/mux.%r"
leaf=$(leaf_of "${HELD[keeper]}")
field() { awk -v f="$2" '$1 == f { print $2 }' "$1" 2>/dev/null; }

for name in fork thread; do
	wanted "$name" || continue
	hits=$(field "$leaf/pids.events" max)
	tries alice attack-task LIMIT=64 "$name"
	stopped "$name" EAGAIN "more tasks than 64 by $name"
	unharmed "$name" "the leaf never held more ($name)" \
		test "$(cat "$leaf/pids.peak")" -le 64
	unharmed "$name" "the kernel counted the refusal ($name)" \
		test "$(field "$leaf/pids.events" max)" -gt "${hits:-0}"
done
if [ -z "$BV_ONLY" ]; then
	run ssh_as alice 'ls /usr >/dev/null && echo fine'
	is "$status:$out" 0:fine 'afterwards the session works'
	hold other bob
	ok 'another session had its own count' \
		test "$(cat "$(leaf_of "${HELD[other]}")/pids.peak")" -lt 20
	release other
fi
release keeper
mux_close alice
if [ -z "$BV_ONLY" ]; then
	record=$(find /var/lib/bvisor/sessions -type f -newer "$BV_STATE/policy" \
		-exec grep -l '"alice"' {} + | head -n 1)
	ok 'the record of the session is on the disk' test -s "$record"
fi
