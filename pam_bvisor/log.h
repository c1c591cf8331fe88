/* SPDX-License-Identifier: MIT */
/* One line for the administrator, one neutral line for the user. */
#ifndef BVP_LOG_H
#define BVP_LOG_H

#include <security/pam_modules.h>

/* text may come from anywhere: control and non-ASCII bytes are written as
 * \xNN, and it is cut. */
void bvp_log(pam_handle_t *pamh, int priority, const char *what,
	     const char *text);
void bvp_tell_user(pam_handle_t *pamh, const char *text);

#endif
