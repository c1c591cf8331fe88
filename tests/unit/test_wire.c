/* SPDX-License-Identifier: MIT */
/*
 * The packets of module and guardian: exact bytes, exact fit, and nothing
 * else. The corpus of the fuzz target is replayed here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_wire.c"

#define INSN_BYTES 8u
#define CORPUS     "tests/fuzz/corpus/wire"

static unsigned char buf[BVP_WIRE_MAX + 64];

static const struct bvp_request request = {
	.flags = BVP_FLAG_QUIET | BVP_FLAG_FORCECOMMAND,
	.user = "alice",
	.service = "sshd",
	.tty = "ssh",
	.rhost = "2001:db8::1",
	.ruser = NULL,
};

static const struct bvp_reply reply = {
	.flags = BVP_FD_MNTNS | BVP_FD_RULESET | BVP_FLAG_NNP,
	.verdict = BVP_ADMITTED,
	.session = "0123456789abcdef",
	.plan = "feedc0de",
	.log_text = "",
	.user_text = NULL,
	.trial = "/run/bvisor/trial",
	.bpf = "\x06\0\0\0\0\0\xff\x7f\x06\0\0\0\0\0\0\0",
	.bpf_len = 2,
};

static void test_plain__is_these_bytes(void **state)
{
	static const unsigned char want[] = { 'B',  'V', 'V', '1', 1, 0, 5, 0,
					      0x00, 1,   0,   0,   0, 0, 0, 0 };
	struct bvp_header h;

	(void)state;
	assert_int_equal(sizeof(h), sizeof(want));
	assert_int_equal(bvp_encode_plain(BVP_MSG_COMMITTED,
					  BVP_FLAG_TRIAL_DENIED, buf,
					  sizeof(buf)),
			 sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(bvp_decode_header(want, sizeof(want), &h), 0);
	assert_int_equal(h.type, BVP_MSG_COMMITTED);
	assert_int_equal(h.flags, BVP_FLAG_TRIAL_DENIED);
	assert_int_equal(h.body_len, 0);
}

static void test_request__round_trip(void **state)
{
	const size_t len =
		bvp_encode_request(BVP_MSG_OPEN, &request, buf, sizeof(buf));
	struct bvp_request got;
	uint16_t type = 0;

	(void)state;
	assert_int_equal(len, 16 + sizeof("alice") + sizeof("sshd") +
				      sizeof("ssh") + sizeof("2001:db8::1") +
				      sizeof(""));
	assert_int_equal(bvp_decode_request(buf, len, &type, &got), 0);
	assert_int_equal(type, BVP_MSG_OPEN);
	assert_int_equal(got.flags, request.flags);
	assert_string_equal(got.user, "alice");
	assert_string_equal(got.service, "sshd");
	assert_string_equal(got.tty, "ssh");
	assert_string_equal(got.rhost, "2001:db8::1");
	assert_string_equal(got.ruser, "");
}

static void test_reply__round_trip(void **state)
{
	const size_t len = bvp_encode_reply(&reply, buf, sizeof(buf));
	struct bvp_reply got;

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(bvp_decode_reply(buf, len, &got), 0);
	assert_int_equal(got.flags, reply.flags);
	assert_int_equal(got.verdict, BVP_ADMITTED);
	assert_string_equal(got.session, reply.session);
	assert_string_equal(got.plan, reply.plan);
	assert_string_equal(got.log_text, "");
	assert_string_equal(got.user_text, "");
	assert_string_equal(got.trial, reply.trial);
	assert_int_equal(got.bpf_len, 2);
	assert_memory_equal(got.bpf, reply.bpf, 2 * INSN_BYTES);
}

/* Every length but the right one, for each kind; each in a block of its own. */
static void test_packet__cut_or_longer__refused(void **state)
{
	struct bvp_header h;
	struct bvp_request q;
	struct bvp_reply r;
	uint16_t type;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		const size_t len =
			kind == 0 ? bvp_encode_request(BVP_MSG_ADMIT, &request,
						       buf, sizeof(buf))
				  : bvp_encode_reply(&reply, buf, sizeof(buf));

		for (size_t n = 0; n <= len + 8; n++) {
			unsigned char *p = test_malloc(n + 1);

			memcpy(p, buf, n);
			assert_int_equal(bvp_decode_header(p, n, &h) == 0,
					 n == len);
			assert_int_equal(bvp_decode_request(p, n, &type, &q) ==
						 0,
					 n == len && kind == 0);
			assert_int_equal(bvp_decode_reply(p, n, &r) == 0,
					 n == len && kind == 1);
			test_free(p);
		}
	}
}

static void test_header__anything_else__refused(void **state)
{
	static const struct {
		size_t at;
		unsigned char byte;
	} rows[] = {
		{ 0, 'b' },  { 3, '2' },   { 4, 0 },           { 4, 2 },
		{ 5, 1 },    { 6, 0 },     { 6, BVP_MSG_END }, { 7, 1 },
		{ 12, 1 },   { 13, 1 },    { 15, 1 },          { 12, 255 },
		{ 15, 255 }, { 15, 0x80 },
	};
	struct bvp_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t len =
			bvp_encode_plain(BVP_MSG_CLOSE, 0, buf, sizeof(buf));

		assert_int_equal(bvp_decode_header(buf, len, &h), 0);
		buf[rows[i].at] = rows[i].byte;
		assert_int_equal(bvp_decode_header(buf, len, &h), -1);
	}
}

static void test_message__of_another_type__refused(void **state)
{
	struct bvp_request q;
	struct bvp_reply r;
	uint16_t type;

	(void)state;
	for (uint16_t t = 0; t <= BVP_MSG_END; t++) {
		size_t len = bvp_encode_request(t, &request, buf, sizeof(buf));

		assert_int_equal(bvp_decode_request(buf, len, &type, &q) == 0,
				 t == BVP_MSG_OPEN || t == BVP_MSG_ADMIT);
		len = bvp_encode_reply(&reply, buf, sizeof(buf));
		memcpy(buf + 6, &t, sizeof(t));
		assert_int_equal(bvp_decode_reply(buf, len, &r) == 0,
				 t == BVP_MSG_VERDICT);
	}
}

static void test_verdict__unknown__refused(void **state)
{
	struct bvp_reply r = { .verdict = 0 }, got;

	(void)state;
	for (r.verdict = 0; r.verdict < 300; r.verdict++) {
		const size_t len = bvp_encode_reply(&r, buf, sizeof(buf));

		assert_int_equal(bvp_decode_reply(buf, len, &got) == 0,
				 r.verdict >= BVP_ADMITTED &&
					 r.verdict <= BVP_FAULT);
	}
}

static void test_string__at_its_limit_and_past_it(void **state)
{
	char text[BVP_STR_MAX + 1];
	struct bvp_request q = { .user = text };
	struct bvp_reply r = { .verdict = BVP_REFUSED, .log_text = text };
	struct bvp_request got;
	uint16_t type;
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[BVP_STR_MAX - 1] = '\0';
	len = bvp_encode_request(BVP_MSG_OPEN, &q, buf, sizeof(buf));
	assert_int_not_equal(len, 0);
	assert_int_equal(bvp_decode_request(buf, len, &type, &got), 0);
	assert_int_equal(strlen(got.user), BVP_STR_MAX - 1);
	text[BVP_STR_MAX - 1] = 'x';
	text[BVP_STR_MAX] = '\0';
	assert_int_equal(bvp_encode_request(BVP_MSG_OPEN, &q, buf, sizeof(buf)),
			 0);
	text[BVP_TEXT_MAX] = '\0';
	assert_int_equal(bvp_encode_reply(&r, buf, sizeof(buf)), 0);
	text[BVP_TEXT_MAX - 1] = '\0';
	assert_int_not_equal(bvp_encode_reply(&r, buf, sizeof(buf)), 0);
}

/* A peer that does not keep to our encoder: one byte too many in a string. */
static void test_string__too_long_from_the_peer__refused(void **state)
{
	char text[BVP_STR_MAX];
	struct bvp_request q = { .user = text, .service = "y" }, got;
	uint16_t type;
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	len = bvp_encode_request(BVP_MSG_OPEN, &q, buf, sizeof(buf));
	assert_int_equal(bvp_decode_request(buf, len, &type, &got), 0);
	buf[16 + BVP_STR_MAX - 1] = 'x'; /* its NUL: now the next one ends it */
	assert_int_equal(bvp_decode_request(buf, len, &type, &got), -1);
}

static void test_filter__larger_than_a_packet__refused(void **state)
{
	static unsigned char bpf[BVP_WIRE_MAX + INSN_BYTES];
	struct bvp_reply r = { .verdict = BVP_ADMITTED,
			       .bpf = bpf,
			       .bpf_len = 4096 };
	struct bvp_reply got;
	size_t len;

	(void)state;
	len = bvp_encode_reply(&r, buf, sizeof(buf));
	assert_int_equal(bvp_decode_reply(buf, len, &got), 0);
	assert_int_equal(got.bpf_len, 4096);
	r.bpf_len = 4097;
	assert_int_equal(bvp_encode_reply(&r, buf, sizeof(buf)), 0);
	/* a count that is not that of the bytes behind it */
	r.bpf_len = 2;
	len = bvp_encode_reply(&r, buf, sizeof(buf));
	for (unsigned int n = 0; n < 256; n++) {
		buf[len - 2 * INSN_BYTES - 4] = (unsigned char)n;
		assert_int_equal(bvp_decode_reply(buf, len, &got) == 0, n == 2);
	}
	buf[len - 2 * INSN_BYTES - 4] = 2;
	buf[len - 2 * INSN_BYTES - 1] = 0x20; /* times 8 it is 16 again */
	assert_int_equal(bvp_decode_reply(buf, len, &got), -1);
}

static void test_encoder__into_too_little__writes_nothing_past_it(void **state)
{
	const size_t need = bvp_encode_reply(&reply, buf, sizeof(buf));

	(void)state;
	for (size_t n = 0; n < need; n++) {
		unsigned char *p = test_malloc(n + 1);

		assert_int_equal(bvp_encode_reply(&reply, p, n), 0);
		assert_int_equal(bvp_encode_request(BVP_MSG_OPEN, &request, p,
						    n < 16 ? n : 16),
				 0);
		test_free(p); /* cmocka looks at its guards */
	}
}

/* Every single bit turned over, through the properties of the fuzz target. */
static void test_bits__turned_over__never_misread(void **state)
{
	unsigned char copy[512];
	size_t len = bvp_encode_reply(&reply, copy, sizeof(copy));

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		for (size_t bit = 0; bit < len * 8; bit++) {
			copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
			LLVMFuzzerTestOneInput(copy, len);
			copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
		}
		len = bvp_encode_request(BVP_MSG_OPEN, &request, copy,
					 sizeof(copy));
	}
}

static void test_corpus__replayed(void **state)
{
	DIR *d = opendir(CORPUS);
	struct dirent *e;
	int files = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		const int fd = e->d_name[0] == '.'
				       ? -1
				       : openat(dirfd(d), e->d_name, O_RDONLY);
		ssize_t n;

		if (fd < 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		close(fd);
		assert_true(n >= 0);
		LLVMFuzzerTestOneInput(buf, (size_t)n);
		files++;
	}
	closedir(d);
	assert_in_range(files, 5, 10000);
}

static void test_deadline__seconds_in_the_flags(void **state)
{
	const uint32_t all = UINT32_MAX >> (32u - BVP_DEADLINE_SHIFT);

	(void)state;
	assert_int_equal(bvp_deadline_ms(0), BVP_DEADLINE_MS);
	assert_int_equal(bvp_deadline_ms(all), BVP_DEADLINE_MS);
	assert_int_equal(bvp_deadline_ms(1u << BVP_DEADLINE_SHIFT), 1000);
	assert_int_equal(bvp_deadline_ms((7u << BVP_DEADLINE_SHIFT) | all),
			 7000);
	assert_int_equal(bvp_deadline_ms(60u << BVP_DEADLINE_SHIFT), 60000);
	/* not one of ours: no guardian waits longer for it */
	assert_int_equal(bvp_deadline_ms(UINT32_MAX), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain__is_these_bytes),
		cmocka_unit_test(test_request__round_trip),
		cmocka_unit_test(test_reply__round_trip),
		cmocka_unit_test(test_packet__cut_or_longer__refused),
		cmocka_unit_test(test_header__anything_else__refused),
		cmocka_unit_test(test_message__of_another_type__refused),
		cmocka_unit_test(test_verdict__unknown__refused),
		cmocka_unit_test(test_string__at_its_limit_and_past_it),
		cmocka_unit_test(test_string__too_long_from_the_peer__refused),
		cmocka_unit_test(test_filter__larger_than_a_packet__refused),
		cmocka_unit_test(
			test_encoder__into_too_little__writes_nothing_past_it),
		cmocka_unit_test(test_bits__turned_over__never_misread),
		cmocka_unit_test(test_deadline__seconds_in_the_flags),
		cmocka_unit_test(test_corpus__replayed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
