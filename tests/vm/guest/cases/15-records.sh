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
	local id was seen=$BV_STATE/seen
	was=$(still_open)
	rm -f /home/alice/up "$seen"
	# It stays until it was looked at, however long that takes.
	terminal -t 120 'wait:[$] $' 'send:echo up >up\n' "until:test -e $seen" \
		'send:exit\n' -- ssh -tt alice@127.0.0.1 >/dev/null 2>&1 &
	wait_for 60 test -e /home/alice/up || true
	echo "who: $(who | awk '$1 == "alice" { print $1, substr($2, 1, 4), $NF }' | sort -u)"
	for id in $(sessions | awk '{ print $1 }'); do
		[ "$(loginctl show-session "$id" -p Service --value)" = sshd ] || continue
		echo "session: $(loginctl show-session "$id" -p Remote -p RemoteHost \
			-p Service -p Type -p Class -p Active -p State -p Name |
			sort | tr '\n' ' ')"
		break
	done
	: >"$seen"
	wait || true
	# The client is gone before the other end has closed all that there is.
	wait_for 60 all_closed "$was" || true
	if command -v wtmpdb >/dev/null; then
		echo "wtmp: $(wtmpdb last 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 3) }' | head -n 1)"
		echo "open: $(wtmpdb last 2>/dev/null | awk '$1 == "alice"' | grep -c 'still logged in')"
		echo "lastlog: $(lastlog2 -u alice 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 3) }')"
	else
		echo "wtmp: $(last -F 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 4) }' | head -n 1)"
		echo "open: $(last -F 2>/dev/null | awk '$1 == "alice"' | grep -c 'still logged in')"
		echo "lastlog: $(lastlog -u alice 2>/dev/null | awk '$1 == "alice" { print $1, substr($2, 1, 4) }')"
	fi
	echo "afterwards: $(sessions | wc -l) $(who | grep -c '^alice ')"
}
sessions() {
	loginctl list-sessions --no-legend | awk '$3 == "alice" && $0 !~ /closing/'
}
# still_open: her logins that have no end on record.
still_open() {
	if command -v wtmpdb >/dev/null; then wtmpdb last; else last -F; fi 2>/dev/null |
		awk '$1 == "alice" && /still logged in/' | wc -l
}
# all_closed N: for wait_for: logind and who know no session of hers, and no more logins
# than N are open.
all_closed() {
	[ -z "$(sessions)" ] && [ "$(who | awk '$1 == "alice"' | wc -l)" -eq 0 ] &&
		[ "$(still_open)" -le "$1" ]
}
# What is not plain information in what they said, comparable.
complaints() {
	logins_said -p warning -o cat | sed -E '/bvisor/d;s/[0-9]+/N/g' | sort -u
}
# Not the journal's files beside them, which come and go.
count_records() { find /var/lib/bvisor/sessions -name '*.json' 2>/dev/null | wc -l; }
others() {
	local was
	was=$(still_open)
	su_as alice 'true'
	login_as alice 'true' >/dev/null
	# What is said at their end is theirs, and not the next run's.
	wait_for 60 all_closed "$was" || true
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
