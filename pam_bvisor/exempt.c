/* SPDX-License-Identifier: MIT */
/* Whom the PAM line lets in whatever the policies say. */
#include "pam_bvisor/exempt.h"

#include <security/pam_modutil.h>
#include <string.h>

bool bvp_args_exempt(pam_handle_t *pamh, const struct bvp_args *args,
		     const char *user)
{
	for (int i = 0; i < args->argc; i++) {
		const char *who = bvp_args_exempt_name(args->argv[i]);

		if (who == NULL)
			continue;
		if (who[0] == '@' ? pam_modutil_user_in_group_nam_nam(
					    pamh, user, who + 1) == 1
				  : strcmp(who, user) == 0)
			return true;
	}
	return false;
}
