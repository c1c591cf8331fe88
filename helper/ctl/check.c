/* SPDX-License-Identifier: MIT */
/* bvisorctl check: everything that is wrong with the configuration, found
 * before a login finds it. */
#include "helper/ctl/check.h"

#include "helper/ctl/ctl.h"
#include "helper/ctl/options.h"
#include "helper/ctl/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CAP (64u * 1024u * 1024u)

static const char help[] =
	"usage: bvisorctl check [--config DIR] [--json]\n\n"
	"Read the whole configuration as a login would and report every problem:\n"
	"errors (logins are refused for them), warnings and notes, among them\n"
	"what the files of /etc/pam.d say.\n\n"
	"  --config DIR  default " BVH_CONFIG_DIR "\n"
	"  --json        one JSON document\n\n"
	"Exit status: 0 no error, 1 errors, 2 usage, 3 fault.\n";

static const char *const level_names[] = {
	[BVH_CHECK_ERROR] = "error",
	[BVH_CHECK_WARNING] = "warning",
	[BVH_CHECK_NOTE] = "note",
};

void bvh_check_found(struct bvh_check *check, enum bvh_check_level level,
		     const char *fmt, ...)
{
	char text[2 * BV_ERR_MSG_MAX];
	json_t *o;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check->count[level]++;
	if (!check->json) {
		bvh_ctl_say("%s: %s\n", level_names[level], text);
		return;
	}
	o = json_object();
	check->failed |=
		bvh_ctl_put(o, "level", json_string(level_names[level]));
	check->failed |= bvh_ctl_put(o, "text", json_string(text));
	check->failed |= bvh_ctl_add(check->findings, o);
}

bool bvh_check_confines(const struct bvh_check *check)
{
	for (size_t i = 0; i < check->policies_n; i++) {
		if (!check->policies[i].broken &&
		    check->policies[i].action == BV_ACTION_CONFINE)
			return true;
	}
	return false;
}

static void check_broken(struct bvh_check *check)
{
	for (size_t i = 0; i < check->policies_n; i++) {
		const struct bv_policy *p = &check->policies[i];

		if (!p->broken)
			continue;
		bvh_check_found(check, BVH_CHECK_ERROR, "%s", p->error.msg);
		if (!p->match_known)
			bvh_check_found(
				check, BVH_CHECK_WARNING,
				"%s: whom it matches cannot be told, so it "
				"refuses everybody but uid 0",
				p->path);
	}
}

static void check_config(struct bvh_check *check)
{
	const struct bv_config *c = &check->config;

	if (check->policies_n == 0)
		bvh_check_found(check, BVH_CHECK_WARNING,
				"%s/policies: no policy: %s", check->config_dir,
				c->unmatched_refuse
					? "with unmatched = refuse everybody "
					  "but uid 0 is refused"
					: "nobody is confined");
	if (!c->unmatched_stated && check->policies_n > 0)
		bvh_check_found(check, BVH_CHECK_NOTE,
				"%s/bvisor.conf does not state 'unmatched': "
				"who matches no policy is %s",
				check->config_dir,
				c->unmatched_refuse ? "refused"
						    : "not confined");
	if (c->cgroup_base != NULL && access(c->cgroup_base, F_OK) != 0 &&
	    bvh_check_confines(check))
		bvh_check_found(check, BVH_CHECK_WARNING,
				"cgroup_base %s is not there (yet)",
				c->cgroup_base);
}

/* Without systemd the helper makes a cgroup of its own. */
static void check_service(struct bvh_check *check)
{
	static const char *const units[] = {
		"/sys/fs/cgroup/system.slice/bvisor.service",
		"/sys/fs/cgroup/bvisor.slice/bvisor.service",
	};

	if (access("/run/systemd/system", F_OK) != 0 ||
	    check->config.cgroup_base != NULL || !bvh_check_confines(check))
		return;
	for (size_t i = 0; i < BV_LEN(units); i++) {
		if (access(units[i], F_OK) == 0)
			return;
	}
	bvh_check_found(check, BVH_CHECK_WARNING,
			"bvisor.service is not running: matched logins are "
			"refused, there is no cgroup to put them in; "
			"systemctl enable --now bvisor.service");
}

static void check_all(struct bvh_check *check)
{
	struct bv_err err = { 0 };

	if (bvh_config_load(check->config_dir, &check->arena, &check->config,
			    &check->policies, &check->policies_n,
			    &err) != BV_OK) {
		bvh_check_found(check, BVH_CHECK_ERROR, "%s", err.msg);
		bvh_check_found(check, BVH_CHECK_WARNING,
				"until that is mended everybody but uid 0 is "
				"refused");
		return;
	}
	check_broken(check);
	check_config(check);
	bvh_check_policies(check);
	check_service(check);
	bvh_check_wasm(check);
	bvh_check_pam(check);
}

static int summary(struct bvh_check *check)
{
	size_t errors = check->count[BVH_CHECK_ERROR];
	size_t warnings = check->count[BVH_CHECK_WARNING];
	int status = errors > 0 ? BVH_CTL_NO : BVH_CTL_OK;
	json_t *root;
	int failed = check->failed;

	if (!check->json) {
		bvh_ctl_say("%s: %zu policies, %zu errors, %zu warnings\n",
			    check->config_dir, check->policies_n, errors,
			    warnings);
		return status;
	}
	root = json_object();
	failed |= bvh_ctl_put(root, "config", json_string(check->config_dir));
	failed |= bvh_ctl_put(root, "policies",
			      json_integer((json_int_t)check->policies_n));
	failed |= bvh_ctl_put(root, "errors", json_integer((json_int_t)errors));
	failed |= bvh_ctl_put(root, "warnings",
			      json_integer((json_int_t)warnings));
	failed |= bvh_ctl_put(root, "findings", json_incref(check->findings));
	return bvh_ctl_document(stdout, root, failed, status);
}

int bvh_ctl_check(int argc, char **argv)
{
	struct bvh_check check = { .config_dir = BVH_CONFIG_DIR };
	const struct bvh_ctl_option options[] = {
		{ "config", 'c', &check.config_dir, NULL },
	};
	const struct bvh_ctl_syntax syntax = {
		.command = "check",
		.help = help,
		.option = options,
		.option_n = BV_LEN(options),
		.args = "takes no argument",
	};
	int status = bvh_ctl_options(&syntax, argc, argv, &check.json);

	if (status >= 0)
		return status;
	check.findings = json_array();
	bv_arena_init(&check.arena, ARENA_CAP);
	check_all(&check);
	status = summary(&check);
	bv_arena_done(&check.arena);
	json_decref(check.findings);
	return status;
}
