# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# in: bookworm
# timeout: 420
# Bad input and broken pieces: the session is refused with a clear line in the
# log and a neutral one for the user, nothing is left, root still gets in.
. "$BV_GUEST/lib.sh"
. "$BV_GUEST/cases/attack.inc"
need_bvisor
install_attacks
confine sshd

# refused USER DESC LOG-REGEX: that user is, root is not, and so on.
refused() {
	local user=$1 desc=$2 want=$3 said begin=$SECONDS
	journal_mark
	run ssh_as "$user" 'echo inside; touch /tmp/inside'
	took=$((SECONDS - begin))
	isnt "$status" 0 "$desc: refused"
	lacks "$out" inside "$desc: nothing ran"
	lacks "$out$err" student "$desc: the user learns no policy"
	lacks "$out$err" /etc/bvisor "$desc: and no file"
	lacks "$out$err" /var/lib "$desc: of ours"
	said=$(journal_since -o cat | grep -E 'bvisor' || true)
	matches "$said" "$want" "$desc: the log says why"
	run ssh_as root 'echo root'
	is "$status:$out" 0:root "$desc: root gets in"
	assert_no_leftovers "$desc: nothing is left"
}
inside() { # inside USER DESC
	run ssh_as "$1" 'echo inside'
	is "$status:$out" 0:inside "$2"
}

inside alice 'a sound policy lets in'

# --- policies

bad='/etc/bvisor/policies/student\.conf:[0-9]+'
policy_student 'processes = 64' 'proceses = 3'
refused alice 'an unknown key' "$bad.*proceses"
refused bob 'the same for all it could match' "$bad"
inside carol 'a broken policy refuses nobody else'
policy_student 'processes = 64' 'processes = 65'
refused alice 'a key given twice' "$bad"
policy_student 'processes = many'
refused alice 'a wrong type' "$bad.*many"
policy_student 'cpu = 1min enforced'
refused alice 'a budget nothing here enforces' 'cpu'
sed -n '/^\[budget\]/q;p' "$BV_CONF/policies/student.conf" >"$BV_STATE/p"
{ cat "$BV_STATE/p"; printf '[filesystem]\nread = /nonexistent/dir\n'; } |
	set_policy student
refused alice 'a section given twice' "$bad"
sed 's|^write = ~|write = ~\nread = /nonexistent/dir|' "$BV_STATE/p" | set_policy student
refused alice 'a root that is not there' "verdict=refused .*$bad: .*/nonexistent/dir.*create it"
{ cat "$BV_STATE/p"; printf '[policy]\n'; } | sed 's/^description.*/action = refuse/;$d' |
	set_policy student
refused alice 'action = refuse' 'refuse'
policy_student
chmod 0666 "$BV_CONF/policies/student.conf"
refused alice 'a policy others may write' 'student\.conf'
policy_student
chown carol: "$BV_CONF/policies/student.conf"
refused alice 'a policy that is not of root' 'student\.conf'
policy_student
head -c 300000 /dev/zero | tr '\0' '#' >>"$BV_CONF/policies/student.conf"
refused alice 'a policy over 256 KiB' 'student\.conf'
policy_student
ln -sf /etc/passwd "$BV_CONF/policies/other.conf"
refused alice 'a symbolic link for a policy' 'other\.conf'
rm "$BV_CONF/policies/other.conf"
printf 'bvisor-config 1\n[bvisor]\nunmatched = refuse\n' | set_config
inside alice 'unmatched = refuse lets the matched in'
refused carol 'unmatched = refuse' 'no policy|unmatched'
printf 'bvisor-config 1\n[bvisor]\nunmatched = perhaps\n' | set_config
refused alice 'a broken bvisor.conf' '/etc/bvisor/bvisor\.conf:3'
restore_config
[ -e "$BV_CONF/bvisor.conf" ] && grep -q perhaps "$BV_CONF/bvisor.conf" &&
	rm -f "$BV_CONF/bvisor.conf"
inside alice 'all repaired: in again'
