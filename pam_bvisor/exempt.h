/* SPDX-License-Identifier: MIT */
/* Whom the PAM line lets in whatever the policies say. */
#ifndef BVP_EXEMPT_H
#define BVP_EXEMPT_H

#include <security/pam_modules.h>
#include <stdbool.h>

#include "pam_bvisor/args.h"

/* Does an exempt=NAME or exempt=@GROUP name this user? Asks the user database
 * for groups through libpam. */
bool bvp_args_exempt(pam_handle_t *pamh, const struct bvp_args *args,
		     const char *user);

#endif
