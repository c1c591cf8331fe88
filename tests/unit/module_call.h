/* SPDX-License-Identifier: MIT */
/* One call of the module by a host that must not notice. After cmocka.h. */
#ifndef BV_TESTS_MODULE_CALL_H
#define BV_TESTS_MODULE_CALL_H

#include <string.h>

#include "tests/unit/module_stage.h"

#define USER        "daemon"
#define LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define TEST(name)  cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)
#define DEADLINE_MS 2000

enum which {
	ACCOUNT,
	SESSION
};

/* One call in a handle of its own; the host must not notice. */
static inline int call(enum which which, const char *user, int flags)
{
	struct host before;
	const char *changed;
	pam_handle_t *pamh;
	int rc;

	memset(heard, 0, sizeof(*heard));
	pamh = stage_start(user);
	assert_non_null(pamh);
	host_look(&before);
	rc = which == ACCOUNT ? pam_acct_mgmt(pamh, flags)
			      : pam_open_session(pamh, flags);
	changed = host_compare(&before, 0);
	if (changed != NULL)
		fail_msg("%s is not what it was", changed);
	assert_int_equal(pam_end(pamh, rc), PAM_SUCCESS);
	return rc;
}

#endif
