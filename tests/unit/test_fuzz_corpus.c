/* SPDX-License-Identifier: MIT */
/*
 * The fuzz targets on what is kept of their corpora, with the ordinary compiler:
 * what was found once is not lost again. A target that finds fault aborts.
 */
#include "corpus_fixture.h"

#define LLVMFuzzerTestOneInput fuzz_canon
#include "tests/fuzz/fuzz_canon.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_cast
#include "tests/fuzz/fuzz_cast.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_audit
#include "tests/fuzz/fuzz_audit.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_conf
#include "tests/fuzz/fuzz_conf.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_policy
#include "tests/fuzz/fuzz_policy.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_report
#include "tests/fuzz/fuzz_report.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_wire
#include "tests/fuzz/fuzz_wire.c"
#undef LLVMFuzzerTestOneInput

static void test_corpus__audit(void **state)
{
	(void)state;
	replay(fuzz_audit, "audit", 6);
}

static void test_corpus__canon(void **state)
{
	(void)state;
	replay(fuzz_canon, "canon", 12);
}

static void test_corpus__cast(void **state)
{
	(void)state;
	replay(fuzz_cast, "cast", 6);
}

static void test_corpus__conf(void **state)
{
	(void)state;
	replay(fuzz_conf, "conf", 7);
}

static void test_corpus__policy(void **state)
{
	(void)state;
	replay(fuzz_policy, "policy", 6);
}

static void test_corpus__report(void **state)
{
	(void)state;
	replay(fuzz_report, "report", 5);
}

static void test_corpus__wire(void **state)
{
	(void)state;
	replay(fuzz_wire, "wire", 21);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus__audit),
		cmocka_unit_test(test_corpus__canon),
		cmocka_unit_test(test_corpus__cast),
		cmocka_unit_test(test_corpus__conf),
		cmocka_unit_test(test_corpus__policy),
		cmocka_unit_test(test_corpus__report),
		cmocka_unit_test(test_corpus__wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
