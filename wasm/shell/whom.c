/* SPDX-License-Identifier: MIT */
/* Who runs the shell. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wasm/shell/shell.h"

static int take(struct bv_arena *arena, const char *user, const char *home,
		struct bv_subject *ret, struct bv_err *err)
{
	*ret = (struct bv_subject){
		.user = bv_arena_strdup(arena, user),
		.home = bws_home(arena, home),
		.uid = (uint32_t)getuid(),
		.gid = (uint32_t)getgid(),
		.shell = "",
		.service = "",
		.tty = "",
		.rhost = "",
	};
	return ret->user && ret->home
		       ? BV_OK
		       : bv_fail(err, BV_E_NOMEM, "no memory for a name");
}

/* Several names may share a uid: the one that logged in is meant. */
static bool find(const char *env_user, struct bv_arena *arena,
		 struct bv_subject *ret, int *ret_code, struct bv_err *err)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *pw;
	bool found = false, named = false;

	if (f == NULL)
		return false;
	*ret_code = BV_OK;
	while (*ret_code == BV_OK && !named && (pw = fgetpwent(f)) != NULL) {
		named = env_user && strcmp(pw->pw_name, env_user) == 0;
		if (pw->pw_uid != getuid() || (found && !named)) {
			named = false;
			continue;
		}
		*ret_code = take(arena, pw->pw_name, pw->pw_dir, ret, err);
		found = true;
	}
	fclose(f);
	return found;
}

int bws_whom(const char *env_user, const char *env_home, struct bv_arena *arena,
	     struct bv_subject *ret, struct bv_err *err)
{
	struct stat st;
	int code = BV_OK;

	if (find(env_user, arena, ret, &code, err))
		return code;
	if (env_user == NULL || env_user[0] == '\0' || env_home == NULL ||
	    env_home[0] != '/' || lstat(env_home, &st) != 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != getuid())
		return bv_fail(
			err, BV_E_UNSUPPORTED,
			"uid %u is not in /etc/passwd, and HOME and USER "
			"name no home of its own",
			(unsigned int)getuid());
	return take(arena, env_user, env_home, ret, err);
}
