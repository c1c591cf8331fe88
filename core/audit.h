/* SPDX-License-Identifier: MIT */
/*
 * Records of the kernel's audit, as far as denials are told by them: Landlock's
 * two (Linux 6.15) and seccomp's. Pure: bytes in, a denial out. What users choose
 * (names, paths) comes quoted, or in hexadecimal when it has odd bytes.
 */
#ifndef BV_CORE_AUDIT_H
#define BV_CORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* linux/audit.h of that Linux; older ones do not have the first two. */
#define BV_AUDIT_SECCOMP         1326u
#define BV_AUDIT_LANDLOCK_ACCESS 1423u
#define BV_AUDIT_LANDLOCK_DOMAIN 1424u

#define BV_AUDIT_TEXT_MAX 8192u /* bytes of one record that are looked at */

enum bv_audit_kind {
	BV_AUDIT_DENIED,       /* landlock: domain, right, object */
	BV_AUDIT_DOMAIN_BEGUN, /* landlock: domain and who made it, pid */
	BV_AUDIT_KILLED,       /* seccomp: pid and syscall */
};

struct bv_audit {
	enum bv_audit_kind kind;
	uint64_t domain;
	uint64_t pid;
	uint64_t syscall;
	char right[64];   /* "fs.read_file", several with commas */
	char object[512]; /* a path, "PORT/tcp", "pid N", or "" */
};

/* One record's type and text ("audit(…): key=value …"). False: another type, or
 * not in the form its type has. Text may lack its NUL. */
bool bv_audit_parse(uint32_t type, const char *text, size_t len,
		    struct bv_audit *ret);

/* The policy line that would allow the right on the object, for people; NULL:
 * no line does. Static text but for the path: written into buf. */
const char *bv_audit_remedy(const char *right, const char *object, char *buf,
			    size_t buf_len);

#endif
