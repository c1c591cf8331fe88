/* SPDX-License-Identifier: MIT */
/* Strict integers: ASCII digits only, no sign, no blank, no leading zero
 * (except "0"), no trailing bytes, overflow is an error. */
#ifndef BV_CORE_NUM_H
#define BV_CORE_NUM_H

#include <stdbool.h>
#include <stdint.h>

/* Each writes *ret only on success and returns false otherwise. */
bool bv_parse_u64(const char *s, uint64_t lo, uint64_t hi, uint64_t *ret);
bool bv_parse_size(const char *s, uint64_t *ret_bytes);	   /* [KMGT], 1024 */
bool bv_parse_duration(const char *s, uint64_t *ret_us); /* us ms s min h d; a suffix is required except for 0 */

#endif
