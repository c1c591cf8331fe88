#!/bin/bash
# SPDX-License-Identifier: MIT
# Who may include whom. What core/ may call: purity.sh.
. tests/lint/tap.sh.inc

# includes FOLDER ALLOWED-REGEX [BUT-REGEX]: every project include of FOLDER
# fits, but those of files that BUT names.
includes() {
	local got
	got=$(grep -nHE '^#include "' "$1"/*.[ch] "$1"/*/*.[ch] 2>/dev/null |
		grep -vE "#include \"($2)" | grep -vE "^(${3:-/})")
	echo "$got"
	[ -z "$got" ]
}
core_pure_headers() {
	local got
	got=$(grep -nHE '#include <(unistd|fcntl|syslog|time|signal|dirent|pwd|grp|sys/|linux/|netdb|security/)' core/*.[ch])
	echo "$got"
	[ -z "$got" ]
}
headers_alone() {
	local h bad=0
	for h in core/*.h helper/*.h ledger/*.h pam_bvisor/*.h wasm/*.h wasm/shell/*.h; do
		${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -Wall -Werror -fsyntax-only -x c "$h" || bad=1
	done
	return $bad
}
short_files() {
	local got
	got=$(git ls-files '*.c' '*.h' 2>/dev/null | xargs -r wc -l | awk '$2 != "total" && $1 > 600')
	echo "$got"
	[ -z "$got" ]
}
formatted() {
	command -v clang-format >/dev/null || { echo "no clang-format"; return 0; }
	clang-format --dry-run -Werror core/*.[ch] helper/*.[ch] helper/ctl/*.[ch] ledger/*.[ch] pam_bvisor/*.[ch] wasm/*.[ch]
}

check 'core includes core only' includes core 'core/'
check 'core includes no header of files, clocks or the kernel' core_pure_headers
check 'ledger includes core and ledger' includes ledger 'core/|ledger/'
check 'the module includes its own headers only' includes pam_bvisor 'pam_bvisor/'
check 'helper includes core, helper, the wire and the words of the PAM line' includes helper 'core/|helper/|ledger/|pam_bvisor/(wire|args)\.h' \
	'helper/ctl/wasm'
check 'wasm includes core and wasm' includes wasm 'core/|wasm/' 'wasm/(shell|modules)/'
check 'the shell of wasm a few parts of helper as well' includes wasm/shell \
	'core/|wasm/|helper/(dir|fd|filter_export|log|red|sys|trust|shell/reach)\.h'
check 'every header compiles alone' headers_alone
check 'no file has outgrown one idea (600 lines)' short_files
finish
