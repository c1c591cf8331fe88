#!/bin/bash
# SPDX-License-Identifier: MIT
# core/ linked into one object: what it still wants from outside is on the list
# tests/lint/core-symbols, whole. The check itself is put to the proof with
# objects that do what core must not.
. tests/lint/tap.sh.inc
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

allowed() {
	grep -vE '^(#|$)' tests/lint/core-symbols | sort -u
}
# wanted OBJECT...: undefined symbols of the objects together, plain names.
wanted() {
	ld -r -o "$work/core.o" "$@" || return 1
	nm --undefined-only "$work/core.o" |
		sed -nE 's/^ +[Uwv] +//p' | grep -vx '_GLOBAL_OFFSET_TABLE_' |
		sed -E 's/^__(.*)_chk$/\1/' | sort -u
}
core_objects() {
	local source
	for source in core/*.c; do
		printf '%s\n' "$build/${source%.c}.o"
	done
}
# outside OBJECT...: prints what is not on the list; fails when there is any.
outside() {
	local got list
	list=$(wanted "$@") || return 1
	[ "$(wc -l <<<"$list")" -gt 10 ] || { echo "saw next to nothing"; return 1; }
	got=$(comm -23 <(printf '%s\n' "$list") <(allowed))
	echo "outside the list: $(xargs <<<"$got")"
	[ -z "$got" ]
}
pure() {
	local objects
	mapfile -t objects < <(core_objects)
	[ "${#objects[@]}" -gt 10 ] && outside "${objects[@]}"
}
# No name on the list may itself reach outside, whoever put it there.
list_is_pure() {
	local got
	got=$(allowed | grep -xE '(f|fd|p|fre)?open.*|open.*|creat|read|pread.*|write|pwrite.*|close|socket|connect|send.*|recv.*|ioctl|mmap.*|(v?fork|clone.*|posix_spawn.*)|exec.*|system|popen|.*time.*|clock.*|.*getenv|setenv|putenv|environ|.*syslog|get(pw|gr|host|addr).*|stat|[fl]stat.*|access|unlink.*|rename.*|mkdir.*|syscall|v?[fd]?printf|puts|putchar|perror|setlocale|rand.*|.*random.*|getrandom|json_(load|dump)_?f.*|json_load_callback|.*sleep.*|sig.*|pthread_.*|dlopen|exit|_exit|abort')
	echo "on the list: $got"
	[ -z "$got" ]
}
# caught NAME: core with one more object, made of stdin, that wants NAME.
caught() {
	local objects said
	mapfile -t objects < <(core_objects)
	${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -fPIE -x c -c -o "$work/planted.o" - || return 1
	if said=$(outside "${objects[@]}" "$work/planted.o"); then
		echo "not seen: $1"
		return 1
	fi
	grep -qwE "$1" <<<"$said" || { echo "$said"; return 1; }
}
# As an attacker of the rule would: among the planner's own code.
open_caught() {
	caught 'open(64)?' <<'C'
#include <fcntl.h>
int bv_planted(const char *path);
int bv_planted(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}
C
}
clock_caught() {
	caught clock_gettime <<'C'
#include <time.h>
long bv_planted(void);
long bv_planted(void)
{
	struct timespec ts = { 0, 0 };

	return clock_gettime(CLOCK_MONOTONIC, &ts) == 0 ? ts.tv_nsec : -1;
}
C
}
environment_caught() {
	caught getenv <<'C'
#include <stdlib.h>
const char *bv_planted(void);
const char *bv_planted(void)
{
	return getenv("PATH");
}
C
}
pointer_caught() { # never called, only named
	caught fopen <<'C'
#include <stdio.h>
extern FILE *(*const bv_planted)(const char *, const char *);
FILE *(*const bv_planted)(const char *, const char *) = fopen;
C
}
json_file_caught() {
	caught json_load_file <<'C'
void *json_load_file(const char *, unsigned long, void *);
void *bv_planted(const char *path);
void *bv_planted(const char *path)
{
	return json_load_file(path, 0, 0);
}
C
}

check 'core wants nothing from outside but what the list names' pure
check 'the list names nothing that reaches outside' list_is_pure
check 'a core object that opens a file is caught' open_caught
check 'a core object that reads the clock is caught' clock_caught
check 'a core object that reads the environment is caught' environment_caught
check 'a core object that points to fopen is caught' pointer_caught
check 'a core object that has jansson open a file is caught' json_file_caught
finish
