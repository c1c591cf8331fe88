/* SPDX-License-Identifier: MIT */
/* The fuzz target of the restricted shell on what is kept of its corpus. */
#include "corpus_fixture.h"

#define LLVMFuzzerTestOneInput fuzz_wsh
#include "tests/fuzz/fuzz_wsh.c"
#undef LLVMFuzzerTestOneInput

static void test_corpus__wsh(void **state)
{
	(void)state;
	replay(fuzz_wsh, "wsh", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus__wsh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
