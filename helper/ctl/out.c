/* SPDX-License-Identifier: MIT */
/* Text and JSON on the way to a terminal. */
#include "helper/ctl/out.h"

#include "helper/ctl/ctl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 16384u

/* Control bytes would be commands to the terminal; UTF-8 passes, but for the C1
 * controls (U+0080 to U+009F), which some terminals obey as well. */
static void print_safe(FILE *to, const char *text, bool keep_newline)
{
	for (const char *s = text; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool c1 = s > text && (unsigned char)s[-1] == 0xc2 &&
			  c >= 0x80 && c <= 0x9f;

		if ((c == '\n' && keep_newline) ||
		    (c >= 0x20 && c != 0x7f && !c1))
			fputc(c, to);
		else
			fprintf(to, "\\x%02x", (unsigned int)c);
	}
}

static void BV_PRINTF(1, 0) error_line(const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];

	vsnprintf(text, sizeof(text), fmt, ap);
	fputs("bvisorctl: ", stderr);
	print_safe(stderr, text, false);
	fputc('\n', stderr);
}

void bvh_ctl_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(fmt, ap);
	va_end(ap);
}

int bvh_ctl_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_line(fmt, ap);
	va_end(ap);
	fprintf(stderr, "try 'bvisorctl %s--help'\n", command);
	return BVH_CTL_USAGE;
}

void bvh_ctl_say(const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_safe(stdout, text, true);
}

const char *bvh_ctl_evidence(uint32_t evidence, char *ret, size_t ret_len)
{
	size_t used = 0;

	snprintf(ret, ret_len, "-");
	for (unsigned int e = 0; e < BV_EV_N && used < ret_len; e++) {
		int n;

		if ((evidence & BV_EV_BIT(e)) == 0)
			continue;
		n = snprintf(ret + used, ret_len - used, "%s%s",
			     used > 0 ? " " : "",
			     bv_evidence_name((enum bv_evidence)e));
		used += n < 0 ? 0 : (size_t)n;
	}
	return ret;
}

struct unit {
	uint64_t size;
	const char *name;
};

static const struct unit time_units[] = {
	{ UINT64_C(86400000000), "d" }, { UINT64_C(3600000000), "h" },
	{ UINT64_C(60000000), "min" },  { UINT64_C(1000000), "s" },
	{ UINT64_C(1000), "ms" },
};
static const struct unit byte_units[] = {
	{ UINT64_C(1) << 40, "TiB" },
	{ UINT64_C(1) << 30, "GiB" },
	{ UINT64_C(1) << 20, "MiB" },
	{ UINT64_C(1) << 10, "KiB" },
};

/* The largest unit that leaves no rest, so that nothing is rounded. */
static const struct unit *fitting(const struct unit *units, size_t n,
				  uint64_t v)
{
	for (size_t i = 0; i < n && v != 0; i++) {
		if (v % units[i].size == 0)
			return &units[i];
	}
	return NULL;
}

const char *bvh_ctl_amount(enum bv_dim dim, uint64_t v, char *ret,
			   size_t ret_len)
{
	const char *name = bv_dim_unit(dim);
	const struct unit *unit = NULL;

	if (strcmp(name, "us") == 0)
		unit = fitting(time_units, BV_LEN(time_units), v);
	else if (strcmp(name, "bytes") == 0)
		unit = fitting(byte_units, BV_LEN(byte_units), v);
	if (v == UINT64_MAX)
		snprintf(ret, ret_len, "unbounded");
	else
		snprintf(ret, ret_len, "%" PRIu64 " %s",
			 unit == NULL ? v : v / unit->size,
			 unit == NULL ? name : unit->name);
	return ret;
}

int bvh_ctl_put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value);
}

int bvh_ctl_add(json_t *array, json_t *value)
{
	return json_array_append_new(array, value);
}

int bvh_ctl_document(FILE *to, json_t *root, int failed, int status)
{
	char *text = NULL;

	if (root != NULL && failed == 0)
		text = json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(2) |
						JSON_ENSURE_ASCII);
	json_decref(root);
	if (text == NULL) {
		bvh_ctl_error("no memory for the JSON document");
		return BVH_CTL_FAULT;
	}
	fprintf(to, "%s\n", text);
	free(text);
	return status;
}
