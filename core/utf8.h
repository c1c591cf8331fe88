/* SPDX-License-Identifier: MIT */
/* Well-formed UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF (RFC
 * 3629, section 4). */
#ifndef BV_CORE_UTF8_H
#define BV_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the sequence at p, of which left (one at the least) are there; 0: none. */
size_t bv_utf8_sequence(const unsigned char *p, size_t left);
bool bv_utf8_valid(const char *bytes, size_t len);

#endif
