# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 240
# Services that would run something for the user outside the session: the user's
# systemd, D-Bus, at, cron. The witness is what they would have done.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
confine sshd
outside alice
spools() { find /var/spool/cron/atjobs /var/spool/cron/crontabs -type f ! -name '.SEQ' 2>/dev/null; }
# shellcheck disable=SC2046
rm -f $(spools)
bus='export XDG_RUNTIME_DIR=/run/user/$(id -u) DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u)/bus;'

manager_of_alice() {
	setpriv --reuid alice --regid alice --init-groups env \
		XDG_RUNTIME_DIR=/run/user/1001 timeout 20 systemctl --user "$@"
}
# by NAME DESC COMMAND WITNESS: as expect_stopped, with a name.
by() {
	local name=$1 desc=$2 command=$3 witness=$4
	wanted "$name" || return 0
	run ssh_as alice "( $command ) </dev/null; echo \"@tried \$?\""
	if [[ $out != *'@tried '* ]]; then
		untried "$name" "$desc" 'the try was not made'
		return 0
	fi
	sleep 1
	unharmed "$name" "$desc" eval "! { $witness; }"
	[ -n "$BV_ONLY" ] || lacks "$out" '@tried 0' "$name: and it says so"
}

mux_open alice
by systemd-run 'systemd-run --user' \
	"$bus timeout 20 systemd-run --user --wait touch $OUT/systemd-run" \
	"test -e $OUT/systemd-run"
by systemctl 'systemctl --user' \
	"$bus timeout 20 systemctl --user set-environment BVISOR_ATTACK=1" \
	'manager_of_alice show-environment | grep -q BVISOR_ATTACK'
by busctl 'busctl --user' \
	"$bus timeout 20 busctl --user call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartTransientUnit 'ssa(sv)a(sa(sv))' b.service fail 1 ExecStart 'a(sasb)' 1 /usr/bin/touch 2 touch $OUT/busctl false 0" \
	"test -e $OUT/busctl"
by linger 'loginctl enable-linger' 'timeout 20 loginctl enable-linger' \
	'test -e /var/lib/systemd/linger/alice'
by at 'at' "echo 'touch $OUT/at' | at now" \
	"spools | grep -q . || test -e $OUT/at"
by crontab 'crontab' "echo '* * * * * touch $OUT/cron' | crontab -" \
	'spools | grep -q .'
mux_close alice

if [ -z "$BV_ONLY" ]; then
	install -d -m 0777 "$OUT"
	run ssh_as carol "$bus timeout 30 systemd-run --user --wait touch $OUT/by-carol"
	ok 'systemd-run --user works for an unconfined account' \
		test -e "$OUT/by-carol"
	run ssh_as carol 'echo true | at now + 5 hours && echo "0 0 1 1 * true" | crontab -'
	is "$(spools | wc -l)" 2 'so do at and crontab'
	# shellcheck disable=SC2046
	rm -f $(spools)
fi

# A unit planted in the home: at the next login pam_systemd starts the user's
# manager, which is a session of its own and in need of the same PAM line.
if wanted planted-unit; then
	made=''
	[ -e /etc/pam.d/systemd-user ] ||
		{ cp /usr/lib/pam.d/systemd-user /etc/pam.d/ && made=yes; }
	pam_enable systemd-user
	mux_open alice
	run ssh_as alice "mkdir -p ~/.config/systemd/user/default.target.wants &&
	cd ~/.config/systemd/user && printf '[Service]\nType=oneshot\nExecStart=/usr/bin/touch $OUT/planted %%h/planted\n' >evil.service &&
	ln -sf ../evil.service default.target.wants/ && echo planted"
	planted=$out
	mux_close alice
	rm -f "$OUT/planted" /home/alice/planted
	systemctl stop user@1001.service 2>/dev/null || true
	journal_mark
	run ssh_as alice 'sleep 6; echo logged in'
	if [ "$planted" != planted ] || [ "$out" != 'logged in' ]; then
		untried planted-unit 'a unit planted in the home' "$planted"
	else
		unharmed planted-unit 'a unit planted in the home' absent "$OUT/planted"
	fi
	note "user@1001.service: $(systemctl is-active user@1001.service || true)"
	note "$(journal_since -o cat | grep -E 'user@1001|bvisor|systemd-user' | cut -c1-400 | tail -n 12)"
	for pid in $(pgrep -u alice || true); do
		leaf_of "$pid" >/dev/null ||
			note "outside: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
	contains "$(journal_since -o cat)" 'user manager cannot be confined' \
		'and the log says what to do'
	pam_disable systemd-user
	[ -z "$made" ] || rm -f /etc/pam.d/systemd-user
	systemctl stop user@1001.service 2>/dev/null || true
	systemctl reset-failed user@1001.service 2>/dev/null || true
	run ssh_as alice 'sleep 3'
	ok 'without that PAM line the unit does run' \
		wait_for 60 test -e "$OUT/planted"
	systemctl stop user@1001.service 2>/dev/null || true
	rm -rf /home/alice/.config
fi
