/* SPDX-License-Identifier: MIT */
/* Lines of mountinfo; see mountinfo.h. */
#include "helper/mountinfo.h"

#include "core/err.h"
#include "core/num.h"

#include <string.h>

/* "36 25 0:30 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw": the
 * sixth is the mount's own, the last the file system's. */
bool bvh_mountinfo_parse(char *line, struct bvh_mountinfo *ret)
{
	char *field[6], *save = NULL;
	const char *word;

	for (size_t i = 0; i < BV_LEN(field); i++) {
		field[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (field[i] == NULL)
			return false;
	}
	do {
		word = strtok_r(NULL, " ", &save);
	} while (word != NULL && strcmp(word, "-") != 0);
	ret->where = field[4];
	ret->flags = field[5];
	ret->type = word == NULL ? NULL : strtok_r(NULL, " ", &save);
	return bv_parse_u64(field[0], 0, INT64_MAX, &ret->id) &&
	       bv_parse_u64(field[1], 0, INT64_MAX, &ret->parent);
}

bool bvh_mountinfo_has(const struct bvh_mountinfo *m, const char *flag)
{
	const size_t len = strlen(flag);

	for (const char *s = m->flags; s != NULL; s = strchr(s, ',')) {
		s += *s == ',';
		if (strncmp(s, flag, len) == 0 &&
		    (s[len] == ',' || s[len] == '\0'))
			return true;
	}
	return false;
}
