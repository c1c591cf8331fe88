# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# timeout: 300
# An account whose shell is bvisor-wasm, under the policy that is shipped: commands,
# pipelines and a terminal over sshd; nothing else can be executed.
. "$BV_GUEST/lib.sh"
need_bvisor
command -v wat2wasm >/dev/null || skip_case 'no wat2wasm (wabt)'
SHELL_PATH=/usr/bin/bvisor-wasm
absent() { [ ! -e "$1" ]; }
back() {
	usermod -s /bin/bash carol
	gpasswd -d carol wasm-only >/dev/null 2>&1 || true
	rm -rf /usr/lib/bvisor "$BV_CONF/wasm.d" /home/carol/data
	_mux_close_all
}
trap back EXIT

# --- set up as the policy's own words say

groupadd --system -f wasm-only
gpasswd -a carol wasm-only >/dev/null
install -d -m 0755 "$BV_CONF/policies"
install -m 0644 "$BV_SRC/etc/policies/wasm-only.conf" "$BV_CONF/policies/"
install -d -o carol -g carol /home/carol/data
for m in say upper burn; do
	wat2wasm -o "$BV_STATE/$m.wasm" "$BV_SRC/wasm/modules/$m.wat"
	run bvisorctl wasm add $m "$BV_STATE/$m.wasm"
	is "$status" 0 "$m is added"
done
cat >>"$BV_CONF/wasm.d/say.conf" <<'END'
[files]
write = ~/data
END
cat >>"$BV_CONF/wasm.d/upper.conf" <<'END'
[streams]
stdin = yes
[files]
write = ~/data
END
cat >>"$BV_CONF/wasm.d/burn.conf" <<'END'
[limits]
fuel = 3M
END
run bvisorctl wasm check --user carol
is "$status" 0 'and checked'

pam_enable sshd
journal_mark
run ssh_as carol true
isnt "$status" 0 'an account with another shell is refused'
contains "$(journal_since)" 'shell is not bvisor-wasm' 'the log says what is missing'
usermod -s $SHELL_PATH carol
run bvisorctl explain carol --service sshd
contains "$out" 'wasm:session_commit+sole_executable' 'explain says by what it is enforced'

# --- commands

journal_mark
mux_open carol
run ssh_as carol "say 'a  b' c\\ d \"e;f\""
is "$out" $'a  b\nc d\ne;f' 'arguments are exact'
run ssh_as carol 'say hello | upper | upper'
is "$status:$out" 0:HELLO 'a pipeline'
run ssh_as carol 'cd data; say kept > f; upper < f && limits'
contains "$out" KEPT 'redirections into the home directory'
is "$(stat -c %U /home/carol/data/f)" carol 'as the user'
run ssh_as carol upper <<<'from afar'
is "$out" 'FROM AFAR' 'standard input'
run ssh_as carol burn
is "$status" 152 'fuel is exhausted: 152'
contains "$err" 'bvisor-wasm: burn: fuel exhausted' 'in one clear line'
contains "$err" 'after 3000000 fuel' 'with the amount'
run ssh_as carol '/bin/sh -c id'
is "$status" 127 'no program of the host: 127'
run ssh_as carol 'say x > /tmp/x'
is "$status" 126 'no file outside: 126'
run timeout 60 scp -O "${SSH_OPTS[@]}" -q /etc/hostname carol@127.0.0.1:data/x
isnt "$status" 0 'scp is refused'
contains "$err" 'no files are transferred by this account' 'scp: in one clear line'
run sftp_as carol <<<'ls'
isnt "$status" 0 'sftp is refused'
ok 'nothing came over' absent /home/carol/data/x

# --- what the kernel shows of a command that runs

mkfifo "$BV_STATE/hold"
ssh_as carol upper <"$BV_STATE/hold" >/dev/null 2>&1 &
exec 7>"$BV_STATE/hold"
of_command() { pid=$(pgrep -n -U carol -fx 'bvisor-wasm -c upper'); }
two_filters() { of_command && [ "$(status_field "$pid" Seccomp_filters)" -ge 3 ]; }
ok 'a command that stays' wait_for 60 two_filters
of_command || pid=self
assert_confined "$pid" 'the session is around it'
is "$(status_field "$pid" NoNewPrivs)" 1 'no new privileges'
isnt "$(ns_of "$pid" net)" "$(ns_of self net)" 'a network of its own'
is "$(awk '$2 ~ /x/ && $6 ~ /^\// { print $6 }' "/proc/$pid/maps" | sort -u)" $SHELL_PATH \
	'no executable mapping but the program'\''s own'
exec 7>&-
wait || true

# --- a terminal

run terminal -t 90 'wait:wasm:~> $' 'send:say hi\n' 'wait:hi\r\n' 'wait:> $' \
	'send:say go; upper\n' 'wait:go\r\n' 'send:abc\n' 'wait:ABC' \
	'send:\x03' 'wait:upper: interrupted' 'wait:> $' \
	'send:exit 3\n' -- ssh "${SSH_OPTS[@]}" -tt carol@127.0.0.1
is "$status" 3 'a terminal: a prompt, Ctrl-C, exit'
mux_close carol
assert_no_leftovers 'the sessions are gone'
log=$(journal_since)
contains "$log" 'sftp-server: no files are transferred' 'the log says why sftp was refused'
contains "$log" 'command=burn status=152' 'the log has each command'
matches "$log" "command=burn .*sha256=$(sha256sum <"$BV_STATE/burn.wasm" | cut -d' ' -f1) fuel=3000000" \
	'with its module and fuel'
