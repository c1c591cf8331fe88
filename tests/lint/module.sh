#!/bin/bash
# SPDX-License-Identifier: MIT
# What is mapped into sshd: PAM entry points out, libpam and libc in, no
# writable data of its own.
. tests/lint/tap.sh.inc
so=$1/pam_bvisor.so

exports_only_pam() {
	local want got
	want='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred'
	got=$(nm -D --defined-only "$so" | awk '{ print $3 }' | sort | xargs)
	echo "exports: $got"
	[ "$got" = "$want" ]
}
needs_only_libpam() {
	local got
	got=$(readelf -d "$so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | xargs)
	echo "needs: $got"
	[ "$got" = "libc.so.6 libpam.so.0" ]
}
no_state() {
	local got
	got=$(objdump -t "$so" | awk '$4 == ".data" || $4 == ".bss" { print $NF }' |
		grep -vxE '\.data|\.bss|completed\.0|__dso_handle|__TMC_END__|_edata|_end|__bss_start')
	echo "state: $got"
	[ -z "$got" ]
}
never_exits() {
	local got
	got=$(nm -D --undefined-only "$so" | awk '{ print $2 }' | sed 's/@.*//' |
		grep -xE 'exit|abort|getopt|getopt_long|setenv|putenv|system|popen|openlog|syslog')
	echo "calls: $got"
	[ -z "$got" ]
}
hardened() {
	readelf -lW "$so" | grep -q GNU_RELRO &&
		readelf -d "$so" | grep -q 'NOW' &&
		readelf -lW "$so" | grep GNU_STACK | grep -qv 'RWE'
}
pie() {
	local p
	for p in bvisor-helper bvisorctl; do
		readelf -hW "${so%/*}/$p" | grep -q 'Type: *DYN' || return 1
		readelf -d "${so%/*}/$p" | grep -q NOW || return 1
	done
}
no_red() { # planted faults exist in red builds alone
	! grep -qa 'bvisor\.red' "$so" "${so%/*}/bvisor-helper" "${so%/*}/bvisorctl"
}

check 'module exports the PAM entry points and nothing else' exports_only_pam
check 'module needs libpam and libc and nothing else' needs_only_libpam
check 'module has no writable state' no_state
check 'module never exits, logs by itself or touches the environment' never_exits
check 'module is linked relro, now, without executable stack' hardened
check 'programs are position independent and bound at start' pie
check 'no planted fault in a release build' no_red
finish
