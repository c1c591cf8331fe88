# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# in: trixie
# timeout: 600
# 200 sessions open at once: over ssh, through su, and of a PAM client. All of
# them confined, by the kernel's word; then all gone.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd su
ssh_n=24 su_n=40 pam_n=136
total=$((ssh_n + su_n + pam_n))
begin=$SECONDS
fifo=$BV_STATE/many
rm -f "$fifo" "$fifo".*
mkfifo "$fifo"
sleep 1000 >"$fifo" &
holder=$!

"$ATTACKS/pam-client" su bob "$pam_n" <"$fifo" >"$fifo.pam" 2>"$fifo.pam.err" &
client=$!
started() { [ "$(grep -cE '^(open|refused)' "$fifo.pam")" -ge "$pam_n" ]; }
wait_for 600 started || true
note "the PAM client's are there after $((SECONDS - begin)) s"
# A few at a time: the guest is slow, and the guardian's deadlines are not. Who
# was refused for that tries again, until there are to be no more.
open_now() { leaves | wc -l; }
reached() { [ "$(open_now)" -ge "$1" ]; }
again() {
	until "$@" </dev/null >/dev/null 2>&1 || [ -e "$fifo.enough" ]; do
		echo x >>"$fifo.again"
		sleep 2
	done
}
for ((i = 1; i <= su_n; i++)); do
	again su - alice -c 'exec sleep 900' &
	[ $((i % 4)) -ne 0 ] || wait_for 15 reached $((pam_n + i)) || true
done
for ((i = 1; i <= ssh_n; i++)); do
	again ssh -T alice@127.0.0.1 'exec sleep 900' &
	[ $((i % 4)) -ne 0 ] || wait_for 20 reached $((pam_n + su_n + i)) || true
done
# Not one more either: of who was refused and tries again a leaf may still be there.
all_run() {
	[ "$(open_now)" -eq "$total" ] &&
		[ "$(pgrep -c -u alice -fx 'sleep 900')" -eq $((ssh_n + su_n)) ]
}
wait_for 400 all_run || true
: >"$fifo.enough"
[ ! -e "$fifo.again" ] || note "$(wc -l <"$fifo.again") were refused and tried again"
note "$(open_now) leaves after $((SECONDS - begin)) s"

note "$(head -n 3 "$fifo.pam.err")"
is "$(grep -c '^open' "$fifo.pam" || true)" "$pam_n" 'every session of the client opened'
is "$(open_now)" "$total" "$total sessions are open at once"
ok 'each has its guardian' wait_for 60 guarded_by "$total"
over_ssh=$(pgrep -c -u alice -fx 'sleep 900' || true)
is "$over_ssh" $((ssh_n + su_n)) 'those of ssh and su run'
bad=''
for pid in $(pgrep -u alice,bob || true); do
	# The user's own systemd is no part of these sessions.
	case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
	*systemd* | *sd-pam* | *dbus* | '') continue ;;
	esac
	leaf=$(leaf_of "$pid" || echo none)
	max=$(cat "$leaf/pids.max" 2>/dev/null || echo none)
	mode=$(status_field "$pid" Seccomp 2>/dev/null || echo gone)
	# One that ended meanwhile says nothing.
	[ "$max:$mode" = 64:2 ] || [ ! -e "/proc/$pid" ] ||
		bad+="$pid $leaf $max $mode"$'\n'
done
is "$bad" '' 'every process of theirs is in a limited leaf under a filter'
busy=$(leaves | while IFS= read -r leaf; do
	[ -z "$(cat "$leaf/cgroup.procs")" ] || echo x
done | wc -l)
is "$busy" "$total" 'no leaf is empty'
run ssh_as carol 'echo in'
is "$out" in 'another account logs in meanwhile'

end=$SECONDS
journal_mark
pkill -u alice -fx 'sleep 900' || true
left() { [ "$(open_now)" -le "$pam_n" ]; }
wait_for 120 left || true
note "those of ssh and su gone after $((SECONDS - end)) s"
kill "$holder"
wait "$client" || true
is "$(tail -n 1 "$fifo.pam")" "closed $pam_n" 'every one of the client closed'
while read -r _ pid code; do
	note "$pid: pam_close_session said $code"
	note "$(journal_since | grep -E "$pid" | tail -n 12)"
done < <(grep '^unclosed' "$fifo.pam" || true)
gone() { [ "$(open_now)" -eq 0 ]; }
wait_for 120 gone || true
note "all gone after $((SECONDS - end)) s more"
assert_no_leftovers 'no leaf, mount or guardian is left of them'
