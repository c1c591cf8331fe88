/* SPDX-License-Identifier: MIT */
/* A table of options, read by getopt_long(3). */
#include "helper/ctl/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "helper/ctl/ctl.h"
#include "helper/ctl/out.h"

/* getopt's own form of the table. */
struct forms {
	struct option longs[BVH_CTL_OPTIONS_MAX + 3];
	char shorts[2 * BVH_CTL_OPTIONS_MAX + 4]; /* "+c:jh" */
};

static void write_forms(const struct bvh_ctl_syntax *s, struct forms *f)
{
	char *at = f->shorts;

	*f = (struct forms){ 0 };
	if (s->leading)
		*at++ = '+';
	for (size_t i = 0; i < s->option_n; i++) {
		const struct bvh_ctl_option *o = &s->option[i];

		f->longs[i] = (struct option){ o->name, o->text != NULL, NULL,
					       o->letter };
		*at++ = o->letter;
		if (o->text != NULL)
			*at++ = ':';
	}
	f->longs[s->option_n] = (struct option){ "json", 0, NULL, 'j' };
	f->longs[s->option_n + 1] = (struct option){ "help", 0, NULL, 'h' };
	memcpy(at, "jh", 2);
}

static bool take(const struct bvh_ctl_syntax *s, int letter)
{
	for (size_t i = 0; i < s->option_n; i++) {
		const struct bvh_ctl_option *o = &s->option[i];

		if (o->letter != letter)
			continue;
		if (o->text != NULL)
			*o->text = optarg;
		if (o->flag != NULL)
			*o->flag = true;
		return true;
	}
	return false;
}

static bool is_config(const struct bvh_ctl_syntax *s, int letter)
{
	for (size_t i = 0; i < s->option_n; i++)
		if (s->option[i].letter == letter)
			return strcmp(s->option[i].name, "config") == 0;
	return false;
}

static int wrong(const struct bvh_ctl_syntax *s, const char *what)
{
	char command[32];

	snprintf(command, sizeof(command), "%s ", s->command);
	return bvh_ctl_usage(command, "%s: %s", s->command, what);
}

int bvh_ctl_options(const struct bvh_ctl_syntax *s, int argc, char **argv,
		    bool *ret_json)
{
	const char *config = NULL;
	struct forms f;
	int c, n;

	write_forms(s, &f);
	while ((c = getopt_long(argc, argv, f.shorts, f.longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(s->help, stdout);
			return BVH_CTL_OK;
		}
		if (c == 'j' && ret_json != NULL)
			*ret_json = true;
		else if (c != 'j' && !take(s, c))
			return wrong(s, "wrong option");
		else if (is_config(s, c))
			config = optarg;
	}
	n = argc - optind;
	if (n < s->args_min || (s->args_max >= 0 && n > s->args_max))
		return wrong(s, s->args);
	if (s->alone != NULL && geteuid() != 0) {
		bvh_ctl_error("%s: only root can %s", s->command, s->alone);
		return BVH_CTL_FAULT;
	}
	/* Where there is none the defaults are used; but one that is named is
	 * meant. */
	if (config != NULL && access(config, F_OK) != 0) {
		bvh_ctl_error("%s: '%s': %s", s->command, config,
			      strerrordesc_np(errno));
		return BVH_CTL_FAULT;
	}
	return -1;
}
