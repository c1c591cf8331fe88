/* SPDX-License-Identifier: MIT */
/*
 * Lines of PAM files, joined and split as libpam does it: a line that is read in
 * another way than at a login says nothing about that login.
 */
#include "helper/ctl/check_pam.h"

#include <string.h>

#define BLANKS " \t\n"

/* "[success=ok default=bad]" is one word, without the brackets; "\]" in it is
 * no end. */
static char *bracketed(char *s, char **ret_end)
{
	char *to = s;

	while (*s != '\0' && *s != ']') {
		if (s[0] == '\\' && s[1] == ']')
			s++;
		*to++ = *s++;
	}
	*ret_end = *s == '\0' ? s : s + 1;
	return to;
}

static const char *next_word(char **at)
{
	char *s = *at + strspn(*at, BLANKS);
	char *end, *next;

	if (*s == '\0')
		return NULL;
	if (*s == '[') {
		end = bracketed(++s, &next);
	} else {
		end = s + strcspn(s, BLANKS);
		next = *end == '\0' ? end : end + 1;
	}
	*end = '\0';
	*at = next;
	return s;
}

static bool split(char *text, struct bvh_pam_line *ret)
{
	const char *word;

	ret->argc = 0;
	ret->type = next_word(&text);
	ret->control = ret->type == NULL ? NULL : next_word(&text);
	ret->module = ret->control == NULL ? NULL : next_word(&text);
	while (ret->module != NULL && (size_t)ret->argc < BV_LEN(ret->argv) &&
	       (word = next_word(&text)) != NULL)
		ret->argv[ret->argc++] = word;
	/* "-session": libpam does not log that the module is missing */
	if (ret->type != NULL && ret->type[0] == '-')
		ret->type++;
	return ret->control != NULL;
}

/* Cuts what is no part of the line; true when another line belongs to it. */
static bool goes_on(char *text)
{
	char *comment = strchr(text, '#');
	size_t len;

	if (comment != NULL) {
		*comment = '\0'; /* a backslash in a comment joins nothing */
		return false;
	}
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	if (len == 0 || text[len - 1] != '\\')
		return false;
	text[len - 1] = ' ';
	return true;
}

/* Joined with what a backslash at its end asks for; blank lines and comments in
 * between are passed over. */
static enum bvh_pam_read join(struct bvh_pam_file *from, char *text,
			      size_t size, unsigned int *ret_number)
{
	size_t used = 0;

	for (;;) {
		char *at = text + used;
		const char *s;

		if (size - used < 2)
			return BVH_PAM_BROKEN;
		if (fgets(at, (int)(size - used), from->f) == NULL)
			return used > 0 ? BVH_PAM_BROKEN : BVH_PAM_END;
		from->number++;
		s = at + strspn(at, BLANKS);
		if (*s == '\0' || *s == '#')
			continue;
		if (used == 0)
			*ret_number = from->number;
		if (!goes_on(at))
			return BVH_PAM_LINE;
		used += strlen(at);
	}
}

enum bvh_pam_read bvh_pam_read(struct bvh_pam_file *from, char *text,
			       size_t size, struct bvh_pam_line *ret)
{
	enum bvh_pam_read r;

	snprintf(ret->file, sizeof(ret->file), "%s", from->path);
	do
		r = join(from, text, size, &ret->number);
	while (r == BVH_PAM_LINE && !split(text, ret));
	return r;
}
