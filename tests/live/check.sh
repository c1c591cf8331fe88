#!/bin/bash
# SPDX-License-Identifier: MIT
# What bvisorctl check says of PAM lines, of the files they need, and of names that
# nobody has; in a private mount namespace with a copy of /etc. What libpam itself
# makes of the same lines is asked of pamtester, where there is one. Speaks TAP.
# BV_BUILD (or $1) names the build folder.
STAGE=check
. "$(dirname "$0")/bvisorctl-stage.inc"

c=/srv/bvisor-check-$$ # /var/tmp is everybody's: a configuration there is not believed
trap 'rm -rf "$c"; rmdir "$base" 2>/dev/null' EXIT
private_places
mkdir -p "$base" /srv "$c/policies"
install -m 0755 "$build/bvisorctl" $ctl || exit 1
put_ours
printf 'bvisor-config 1\n[bvisor]\nunmatched = allow\ncgroup_base = %s\n' "$base" >"$c/bvisor.conf"
printf 'chkuser:x:63011:63011::/:/bin/sh\n' >>/etc/passwd
printf 'chkuser:x:63011:\nchkgroup:x:63012:chkuser\n' >>/etc/group
rm -f /etc/pam.d/systemd-user
file=/etc/pam.d/bvcheck

n=0 bad=0
t() { # NAME COMMAND...
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/said" 2>&1; then
		printf 'ok %d - %s\n' $n "$name"
	else
		bad=$((bad + 1))
		printf 'not ok %d - %s\n' $n "$name"
		sed 's/^/# /' "$work/said" "$out"
	fi
}
# pam LINE...: they alone are the service's file; looks.
pam() {
	printf '%b\n' "$@" >$file
	look
}
look() {
	$ctl check --config "$c" >"$out" 2>&1
	status=$?
}
is() { # STATUS REGEX: of the last look
	echo "exit status $status"
	[ "$status" -eq "$1" ] && grep -qE -- "$2" "$out"
}
silent() { # [REGEX]: no error, and nothing of it
	[ "$status" -eq 0 ] && ! grep -qE -- "${1:-^error}" "$out"
}
# libpam: what it makes of the file's account stack for root, whom no policy and no
# fault of ours refuses: "lets" or "refuses".
libpam() {
	command -v pamtester >/dev/null || return 0
	if timeout 10 pamtester bvcheck root acct_mgmt </dev/null; then
		[ "$1" = lets ]
	else
		[ "$1" = refuses ]
	fi
}
policy() { # LINE...: of [match]
	printf '%s\n' 'bvisor-policy 1' '[match]' "$@" '[filesystem]' 'base = system' \
		'[network]' 'access = deny' >"$c/policies/one.conf"
}
policy 'user = chkuser'

# --- sound ---------------------------------------------------------------------------
account='account required pam_bvisor.so' session='session required pam_bvisor.so'
pam "$account exempt=chkuser exempt=@chkgroup quiet" "$session exempt=@chkgroup exempt=chkuser deadline=60 debug"
t 'sound lines' is 0 "note: $file: account and session"
t 'are not complained of' silent "(error|warning): .*($file|helper)"

# --- words ---------------------------------------------------------------------------
for word in exmpt=@chkgroup exempt= exempt=@ exempt deadline=0 deadline=61 DEBUG commit=children 'exec_boundary=shell'; do
	pam "$account" "$session $word"
	t "argument $word" is 1 "error: $file:2: .*does not know the argument '$word'"
done
pam "$account" '# no' '' "$session [quiet]  nonsense # debug"
t 'an argument behind one in brackets, and its line' is 1 "error: $file:4: .*'nonsense'"
pam "$account" "$session commit=children"
t 'commit=children is no commit=child' bash -c "! grep -q \"commit=child without\" '$out'"
pam "auth required pam_bvisor.so nonsense" "$account" "$session"
t 'an auth line may have any: the module reads none there' silent
pam "$account exempt=@nosuchgroup" "$session exempt=@nosuchgroup"
t 'an unknown group is exempt' is 0 "warning: $file:1: exempt=@nosuchgroup: .*no such group"
pam "$account exempt=nosuchuser" "$session exempt=nosuchuser"
t 'an unknown user is' is 0 "warning: $file:2: exempt=nosuchuser: .*no such user"
pam "$account exempt=@chkgroup" "$session"
t 'different exempt= on the two lines' is 0 "warning: $file: account and session lines exempt different"

# --- files ---------------------------------------------------------------------------
pam "$account" 'session required /opt/no/pam_bvisor.so'
t 'no module at a whole path' is 1 "error: $file:2: there is no module /opt/no/pam_bvisor.so:"
mv "$security/pam_bvisor.so" "$work/module.so"
pam "$account" "-$session"
t 'no module where libpam looks' is 1 "error: $file:1: there is no module $security/pam_bvisor.so:"
t 'the dash of a line changes nothing' is 1 "error: $file:2: there is no module"
t 'libpam agrees' libpam refuses
pam "account required $work/module.so"
t 'a module of another name is none of ours' silent "$file"
install -D -m 0644 "$work/module.so" "$work/with/pam_bvisor.so"
pam "account required $work/with/pam_bvisor.so" "session required $work/with/pam_bvisor.so"
t 'a whole path that is there' silent
mv "$work/module.so" "$security/pam_bvisor.so"
pam "$account\r" "$session"
t 'a carriage return is part of the name' is 1 "error: $file:1: there is no module .* carriage return"
t 'for libpam too' libpam refuses
helper=/usr/libexec/bvisor-helper
pam "$account" "$session"
chmod 0644 $helper
look
t 'a helper that is not executable' is 1 "error: helper $helper: not executable"
chmod 0775 $helper
look
t 'a helper that others can write' is 1 "error: helper $helper: not a file that root alone"
mv $helper "$work/helper"
look
t 'no helper' is 1 "error: helper $helper: No such file"
rm $file
look
t 'without a PAM line it is no error' silent
mv "$work/helper" $helper
chmod 0755 $helper

# --- controls ------------------------------------------------------------------------
unheeded="warning: $file: pam_bvisor.so is optional.*not heeded"
for control in optional sufficient '[default=ignore]' '[success=ok default=ignore]' \
	'[success=ok session_err=1 default=die]' '[success=done default=ok]'; do
	pam "$account" "session $control pam_bvisor.so"
	t "session $control is not heeded" is 0 "$unheeded"
done
pam "account [success=ok perm_denied=ignore default=die] pam_bvisor.so" "$session"
t 'account with perm_denied=ignore is not' is 0 "$unheeded"
for control in required REQUISITE '[success=ok default=die]' '[default=bad success = ok ignore=ignore]' \
	'[success=ok new_authtok_reqd=ok module_unknown=ignore default=bad]' '[success=ok]' 'success=ok'; do
	pam "account $control pam_bvisor.so" 'account required pam_permit.so' "session $control pam_bvisor.so"
	t "$control is" silent '^error|not heeded'
	t "libpam can read $control" libpam lets
done
for control in requierd '[succes=ok default=die]' '[success=ok default=kill]' '[default=die]' '[auth_err=die]'; do
	pam "account $control pam_bvisor.so" 'account required pam_permit.so'
	t "$control refuses everybody" is 1 "error: $file:1: .*refuses everybody"
	t "libpam agrees on $control" libpam refuses
done
pam 'auth [success=ok default=die] pam_bvisor.so' "$account" "$session"
t 'auth without ignore=ignore' is 1 "error: $file:1: .*lacks ignore=ignore"

# --- lines and files as libpam reads them -----------------------------------------------
pam "account required \\\\" '# between' '' '  pam_bvisor.so' "$session \\\\" 'exmpt=x'
t 'a line that goes on, comments between' is 1 "error: $file:5: .*'exmpt=x'"
t 'is one line' is 1 "note: $file: account and session"
t 'for libpam too' libpam lets
pam "$account # \\\\" "$session"
t 'a backslash in a comment joins nothing' is 0 "note: $file: account and session"
pam "$session" "$account \\\\"
t 'a file that ends in a line that goes on' is 1 "error: $file: .*ends in a line"
t 'libpam refuses it' libpam refuses
printf '%s\n' "$account quite" "$session" >/etc/pam.d/common-bvcheck
for way in '@include common-bvcheck' 'account include common-bvcheck' 'account substack common-bvcheck'; do
	pam "$way"
	t "a fault behind '$way'" is 1 "error: /etc/pam.d/common-bvcheck:1: .*'quite'"
done
cp $file /etc/pam.d/bvcheck2
look
t 'is told once' test "$(grep -c quite "$out")" = 1
rm /etc/pam.d/bvcheck2 /etc/pam.d/common-bvcheck
pam "$account" "$session" '@include bvcheck-nosuch'
t 'an included file that is not there' is 1 "error: $file includes bvcheck-nosuch"
t 'libpam refuses that' libpam refuses
rm $file

# --- names of policies --------------------------------------------------------------
one=$c/policies/one.conf
name() { # LINE...: of [match]; looks
	policy "$@"
	look
}
name 'user = chkuser' 'group = chkgroup'
t 'names that there are' silent "no such"
name 'user = chkuser chkother'
t 'two users on a line' is 0 "warning: $one:3: \[match\] user: this machine knows no user 'chkuser chkother'.*one value a line"
name 'user = chkuser' 'user = nosuchuser'
t 'an unknown user' is 0 "warning: $one:4: \[match\] user: .*'nosuchuser'"
t 'without the advice' bash -c "! grep -q 'one value a line' '$out'"
name 'group = chkgroup' 'group = !nosuchgroup'
t 'an unknown group, negated' is 0 "warning: $one:4: \[match\] group: .*no group 'nosuchgroup'"
name 'user = *' 'group = *'
t 'everybody is no name' silent 'knows no'

echo "1..$n"
[ $bad -eq 0 ]
