/* SPDX-License-Identifier: MIT */
/*
 * One line that names pam_bvisor.so, as libpam and the module would take it: a
 * fault here refuses everybody, or refuses nobody.
 */
#include "helper/ctl/check_pam.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Debian's libpam looks here too. */
#define PAM_DIR_OLD "/lib/security"

/* --- the control ----------------------------------------------------------- */

enum action {
	ACTION_TAKE,   /* ok, done */
	ACTION_REFUSE, /* bad, die */
	ACTION_PASS,   /* ignore, reset, so many lines on */
	ACTION_UNKNOWN /* libpam cannot read the control and refuses all */
};

static const char *const results[] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
	"default",
};

static bool is_result(const char *name)
{
	for (size_t i = 0; i < BV_LEN(results); i++) {
		if (strcmp(name, results[i]) == 0)
			return true;
	}
	return false;
}

static enum action read_action(const char *word)
{
	if (strcmp(word, "ok") == 0 || strcmp(word, "done") == 0)
		return ACTION_TAKE;
	if (strcmp(word, "bad") == 0 || strcmp(word, "die") == 0)
		return ACTION_REFUSE;
	if (strcmp(word, "ignore") == 0 || strcmp(word, "reset") == 0 ||
	    strspn(word, "0123456789") == strlen(word))
		return ACTION_PASS;
	return ACTION_UNKNOWN;
}

/* "success=ok default=die": what is not named and has no default is bad. */
static enum action read_pairs(const char *text, const char *result)
{
	enum action found = ACTION_REFUSE;
	bool named = false;

	for (text += strspn(text, " \t"); *text != '\0';
	     text += strspn(text, " \t")) {
		char name[32], word[16];
		enum action action;
		int n = 0;

		if (sscanf(text, "%31[a-z_] = %15[a-z0-9]%n", name, word, &n) !=
			    2 ||
		    !is_result(name))
			return ACTION_UNKNOWN;
		action = read_action(word);
		if (action == ACTION_UNKNOWN)
			return ACTION_UNKNOWN;
		if (strcmp(name, result) == 0) {
			named = true;
			found = action;
		} else if (strcmp(name, "default") == 0 && !named) {
			found = action;
		}
		text += n;
	}
	return found;
}

static enum action action_for(const char *control, const char *result)
{
	const bool needed = strcasecmp(control, "required") == 0 ||
			    strcasecmp(control, "requisite") == 0;

	if (!needed && strcasecmp(control, "optional") != 0 &&
	    strcasecmp(control, "sufficient") != 0)
		return read_pairs(control, result);
	if (strcmp(result, "success") == 0)
		return ACTION_TAKE;
	return needed && strcmp(result, "ignore") != 0 ? ACTION_REFUSE
						       : ACTION_PASS;
}

static bool is_heeded(const struct bvh_pam_line *l, const char *result)
{
	const enum action a = action_for(l->control, result);

	return a != ACTION_PASS && a != ACTION_TAKE;
}

/* As pam_bvisor.c answers. */
bool bvh_pam_heeds(const struct bvh_pam_line *l)
{
	if (strcasecmp(l->type, "session") == 0)
		return is_heeded(l, "session_err");
	return is_heeded(l, "perm_denied") && is_heeded(l, "system_err");
}

static void check_control(struct bvh_check *check, const struct bvh_pam_line *l)
{
	/* in an auth stack the module answers PAM_IGNORE */
	const bool auth = strcasecmp(l->type, "auth") == 0;
	const char *good = auth ? "ignore" : "success";

	switch (action_for(l->control, good)) {
	case ACTION_UNKNOWN:
		bvh_check_found(check, BVH_CHECK_ERROR,
				"%s:%u: libpam cannot read the control '%s' "
				"and refuses everybody, root too",
				l->file, l->number, l->control);
		break;
	case ACTION_REFUSE:
		bvh_check_found(check, BVH_CHECK_ERROR,
				"%s:%u: [%s] refuses everybody, root too: it "
				"lacks %s",
				l->file, l->number, l->control,
				auth ? "ignore=ignore" : "success=ok");
		break;
	case ACTION_TAKE:
	case ACTION_PASS:
		break;
	}
}

/* --- the words ------------------------------------------------------------- */

static void check_exempt(struct bvh_check *check, const struct bvh_pam_line *l,
			 const char *who)
{
	const bool group = who[0] == '@';

	if (group ? getgrnam(who + 1) != NULL : getpwnam(who) != NULL)
		return;
	bvh_check_found(check, BVH_CHECK_WARNING,
			"%s:%u: exempt=%s: this machine knows no such %s, "
			"nobody is exempt by it",
			l->file, l->number, who, group ? "group" : "user");
}

static void check_words(struct bvh_check *check, struct bvh_pam_line *l)
{
	struct bvp_args args;

	bvp_args_parse(l->argc, l->argv, &args);
	if (args.unknown != NULL)
		bvh_check_found(check, BVH_CHECK_ERROR,
				"%s:%u: " BVH_PAM_NAME
				" does not know the argument '%s' and refuses "
				"everybody but uid 0 and the exempt",
				l->file, l->number, args.unknown);
	for (int i = 0; i < l->argc; i++) {
		const char *who = bvp_args_exempt_name(l->argv[i]);

		if (who != NULL)
			check_exempt(check, l, who);
	}
}

/* --- the files ------------------------------------------------------------- */

static bool is_file(const char *dir, const char *name)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] == '\0' ? "" : "/",
		 name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void check_module_file(struct bvh_check *check,
			      const struct bvh_pam_line *l)
{
	const bool whole = l->module[0] == '/';

	if (whole ? is_file("", l->module)
		  : is_file(BV_PAM_DIR, l->module) ||
			    is_file(PAM_DIR_OLD, l->module))
		return;
	bvh_check_found(check, BVH_CHECK_ERROR,
			"%s:%u: there is no module %s%.*s%s: the line refuses "
			"everybody, root too",
			l->file, l->number, whole ? "" : BV_PAM_DIR "/",
			(int)strcspn(l->module, "\r"), l->module,
			strchr(l->module, '\r') == NULL
				? ""
				: " (with a carriage return behind it)");
}

/* As spawn.c of the module looks at it. */
void bvh_check_helper(struct bvh_check *check)
{
	const char *fault = NULL;
	struct stat st;

	if (lstat(BV_HELPER_PATH, &st) != 0)
		fault = strerror(errno);
	else if (!S_ISREG(st.st_mode) || st.st_uid != 0 ||
		 (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fault = "not a file that root alone can write";
	else if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		fault = "not executable";
	if (fault != NULL)
		bvh_check_found(check, BVH_CHECK_ERROR,
				"helper " BV_HELPER_PATH
				": %s: everybody but uid 0 and the exempt is "
				"refused",
				fault);
}

bool bvh_pam_is_ours(const struct bvh_pam_line *l)
{
	const char *slash = strrchr(l->module, '/');
	const char *name = slash == NULL ? l->module : slash + 1;
	const size_t len = sizeof(BVH_PAM_NAME) - 1;

	/* in a text of DOS the module's name ends in a carriage return */
	return strncmp(name, BVH_PAM_NAME, len) == 0 &&
	       (name[len] == '\0' || strcmp(name + len, "\r") == 0);
}

void bvh_check_pam_line(struct bvh_check *check, struct bvh_pam_line *l)
{
	check_module_file(check, l);
	if (strcasecmp(l->type, "password") == 0)
		return; /* harmless, and no use */
	check_control(check, l);
	if (strcasecmp(l->type, "auth") != 0) /* the module reads none there */
		check_words(check, l);
}
