# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# pids_max_genuinely_denies_forks_past_the_cap: cap 4, 30 forks. The witness is
# the kernel's own count of denied forks, read while the leaf stands.
. "$BV_GUEST/lib.sh"
need_bvisor
cap=4 attempts=30
said=$BV_STATE/bomb
cat >"$BV_STATE/cap.conf" <<END
bvisor-policy 1
[match]
user = alice
[filesystem]
base = system
write = ~
[network]
access = deny
[budget]
processes = $cap enforced
END
# Tries them all, says how many came to be, and stays until its input ends.
cat >"$BV_STATE/bomb.py" <<END
import os, signal, sys
made = denied = 0
for _ in range($attempts):
    try:
        pid = os.fork()
    except OSError:
        denied += 1
        continue
    if pid == 0:
        signal.pause()
    made += 1
print("tried", os.getpid(), made, denied, flush=True)
sys.stdin.read()
END
install -m 0644 "$BV_STATE/bomb.py" /usr/local/share/bomb.py
rm -f "$BV_STATE/bomb.in"
mkfifo "$BV_STATE/bomb.in"
sleep 1000 >"$BV_STATE/bomb.in" &
holder=$!
bvisorctl run --policy "$BV_STATE/cap.conf" --user alice -- \
	python3 /usr/local/share/bomb.py <"$BV_STATE/bomb.in" >"$said" 2>"$said.err" &
client=$!
ok 'the workload made its attempts' wait_for 60 grep -q '^tried' "$said"
note "$(cat "$said" "$said.err")"
read -r _ pid made denied <"$said"
leaf=$(leaf_of "$pid")
events=$(awk '$1 == "max" { print $2 }' "$leaf/pids.events")
current=$(cat "$leaf/pids.current")
is "$(cat "$leaf/pids.max")" "$cap" 'pids_max: the cap stands in the leaf'
at_least "$events" 1 'pids_max: the kernel denied forks past the cap'
at_most "$current" "$cap" 'pids_max: no more than the cap are there'
is "$((made + denied))" "$attempts" 'pids_max: the workload counted all its attempts'
at_least "$denied" $((attempts - cap)) 'pids_max: and was denied all beyond the cap'
kill "$holder"
wait "$client" || true
not_ok 'pids_max: the leaf is gone' test -d "$leaf"
rm -f /usr/local/share/bomb.py
