# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# The login records, logind, and the other modules' close: as without us.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor

# What a session of alice on a terminal leaves in every record, in one line each,
# with what differs from run to run taken out.
records() {
	local id
	rm -f /home/alice/up
	terminal -t 90 'wait:[$] $' 'send:echo up >up\n' sleep:8 'send:exit\n' \
		-- ssh -tt alice@127.0.0.1 >/dev/null 2>&1 &
	wait_for 40 test -e /home/alice/up || true
	echo "who: $(who | awk '$1 == "alice" { print $1, substr($2, 1, 4), $NF }' | sort -u)"
	for id in $(loginctl list-sessions --no-legend | awk '$3 == "alice" { print $1 }'); do
		[ "$(loginctl show-session "$id" -p Service --value)" = sshd ] || continue
		echo "session: $(loginctl show-session "$id" -p Remote -p RemoteHost \
			-p Service -p Type -p Class -p Active -p State -p Name |
			sort | tr '\n' ' ')"
		break
	done
	wait || true
	if command -v wtmpdb >/dev/null; then
		echo "wtmp: $(wtmpdb last 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 3) }' | head -n 1)"
		echo "open: $(wtmpdb last 2>/dev/null | awk '$1 == "alice"' | grep -c 'still logged in')"
		echo "lastlog: $(lastlog2 -u alice 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 3) }')"
	else
		echo "wtmp: $(last -F 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 4) }' | head -n 1)"
		echo "open: $(last -F 2>/dev/null | awk '$1 == "alice"' | grep -c 'still logged in')"
		echo "lastlog: $(lastlog -u alice 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 4) }')"
	fi
	wait_for 15 no_session || true
	echo "afterwards: $(loginctl list-sessions --no-legend | awk '$3 == "alice" && $0 !~ /closing/' | wc -l) $(who | grep -c '^alice ')"
}
no_session() { ! loginctl list-sessions --no-legend | grep -v closing | grep -q alice; }
# What is not plain information in what they said, comparable.
complaints() {
	logins_said -p warning -o cat | grep -v bvisor | sed -E 's/[0-9]+/N/g' | sort -u
}
count_records() { find /var/lib/bvisor -type f 2>/dev/null | wc -l; }
others() {
	su_as alice 'true'
	login_as alice 'true' >/dev/null
}

journal_mark
baseline=$(records)
others || true
before=$(complaints)
note "$baseline"
[ -z "$before" ] || note "complaints without the module: $before"

confine sshd su login
kept=$(count_records)
journal_mark
with=$(records)
others || true
after=$(complaints)
while IFS= read -r line; do
	contains "$with" "$line" "as without the module: ${line%% *}"
	case $line in
	who:* | wtmp:* | session:*) matches "$line" alice "(${line%% *} knows alice)" ;;
	esac
done <<<"$baseline"
new=$(comm -13 <(echo "$before") <(echo "$after"))
is "$new" '' 'no module complains that did not before'
own=$(journal_since -p warning -t bvisor-helper -o cat
	logins_said -p warning -o cat | grep bvisor || true)
is "$own" '' 'nor do we'
at_least "$(count_records)" "$((kept + 3))" 'every session has its own record'
