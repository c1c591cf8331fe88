/* SPDX-License-Identifier: MIT */
/*
 * The PAM stacks as libpam would build them, as far as is needed to see where
 * pam_bvisor.so stands in each. Files are read, nothing is loaded.
 */
#include "helper/ctl/check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"

#define PAM_DIR   "/etc/pam.d"
#define OUR_NAME  "pam_bvisor.so"
#define DEPTH_MAX 8u
#define LINE_SIZE 2048

struct use {
	bool account, session;
	bool auth;          /* of use for commit=child alone */
	bool child;         /* commit=child on a session line */
	bool weak;          /* optional or sufficient: cannot refuse */
	bool systemd_later; /* pam_systemd behind us opens its session anew */
	bool broken_off;    /* includes too deep, or a file is missing */
};

/* One file of the stack being read; only_type: it came by `session include`. */
struct frame {
	FILE *f;
	char only_type[16];
};

struct walk {
	int dir;
	struct frame frame[DEPTH_MAX];
	size_t depth;
	struct use *use;
};

struct line {
	char *type, *control, *module;
	const char *args; /* "" none */
};

static char *next_word(char **at)
{
	char *s = *at + strspn(*at, " \t");
	char *end;

	if (*s == '\0')
		return NULL;
	/* "[success=ok default=bad]" is one word */
	end = *s == '[' ? strchr(s, ']') : NULL;
	end = end == NULL ? s + strcspn(s, " \t") : end + 1;
	if (*end != '\0')
		*end++ = '\0';
	*at = end;
	return s;
}

static bool read_line(char *text, struct line *ret)
{
	text[strcspn(text, "#\r\n")] = '\0';
	ret->type = next_word(&text);
	ret->control = ret->type == NULL ? NULL : next_word(&text);
	ret->module = ret->control == NULL ? NULL : next_word(&text);
	ret->args = ret->module == NULL ? "" : text;
	if (ret->type != NULL && ret->type[0] == '-')
		ret->type++;
	return ret->control != NULL;
}

static void push(struct walk *w, const char *name, const char *only_type)
{
	struct frame *frame;
	int fd;

	if (strchr(name, '/') != NULL && strncmp(name, PAM_DIR "/", 11) == 0)
		name += 11;
	if (w->depth == DEPTH_MAX) {
		w->use->broken_off = true;
		return;
	}
	frame = &w->frame[w->depth];
	fd = openat(w->dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	frame->f = fd < 0 ? NULL : fdopen(fd, "r");
	if (frame->f == NULL) {
		bvh_close(&fd);
		w->use->broken_off = true;
		return;
	}
	snprintf(frame->only_type, sizeof(frame->only_type), "%s", only_type);
	w->depth++;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void on_module(struct use *use, const struct line *l)
{
	const char *name = file_name(l->module);
	bool session = strcasecmp(l->type, "session") == 0;

	if (session && strcmp(name, "pam_systemd.so") == 0 && use->session)
		use->systemd_later = true;
	if (strcmp(name, OUR_NAME) != 0)
		return;
	if (session) {
		use->session = true;
		use->child |= strstr(l->args, "commit=child") != NULL;
	} else if (strcasecmp(l->type, "account") == 0) {
		use->account = true;
	} else {
		use->auth |= strcasecmp(l->type, "auth") == 0;
		return; /* a password line is harmless, and no use */
	}
	if (strcasecmp(l->control, "optional") == 0 ||
	    strcasecmp(l->control, "sufficient") == 0)
		use->weak = true;
}

static void on_line(struct walk *w, const struct frame *from,
		    const struct line *l)
{
	char only[sizeof(from->only_type)];

	snprintf(only, sizeof(only), "%s", from->only_type);
	if (strcasecmp(l->type, "@include") == 0) {
		push(w, l->control, only);
		return;
	}
	if (only[0] != '\0' && strcasecmp(only, l->type) != 0)
		return;
	if (l->module == NULL)
		return;
	if (strcasecmp(l->control, "include") == 0 ||
	    strcasecmp(l->control, "substack") == 0)
		push(w, l->module, l->type);
	else
		on_module(w->use, l);
}

/* The stack of one service, in order. */
static void walk_service(int dir, const char *service, struct use *use)
{
	struct walk w = { .dir = dir, .use = use };
	char text[LINE_SIZE];
	struct line l;

	push(&w, service, "");
	while (w.depth > 0) {
		struct frame *top = &w.frame[w.depth - 1];

		if (fgets(text, sizeof(text), top->f) == NULL) {
			fclose(top->f);
			w.depth--;
		} else if (read_line(text, &l)) {
			on_line(&w, top, &l);
		}
	}
}

static void judge_service(struct bvh_check *check, const char *service,
			  const struct use *use)
{
	if (use->session && use->account)
		bvh_check_found(check, BVH_CHECK_NOTE,
				PAM_DIR "/%s: account and session", service);
	else if (use->session)
		bvh_check_found(
			check, BVH_CHECK_WARNING,
			PAM_DIR
			"/%s: session without 'account required " OUR_NAME
			"': confined, but a refusal comes too "
			"late for a clean message",
			service);
	else if (use->account && strcmp(service, "systemd-user") != 0)
		bvh_check_found(
			check, BVH_CHECK_WARNING,
			PAM_DIR
			"/%s: account without 'session required " OUR_NAME
			"': logins are refused, never confined",
			service);
	if (use->child && !use->auth)
		bvh_check_found(
			check, BVH_CHECK_WARNING,
			PAM_DIR
			"/%s: commit=child without 'auth required " OUR_NAME
			"' at the head of the stack: "
			"sshd's monitor is confined with the rest",
			service);
	if (use->weak)
		bvh_check_found(check, BVH_CHECK_WARNING,
				PAM_DIR
				"/%s: " OUR_NAME " is optional or "
				"sufficient: a refusal is not heeded; make it "
				"required",
				service);
	if (use->systemd_later)
		bvh_check_found(check, BVH_CHECK_WARNING,
				PAM_DIR
				"/%s: pam_systemd.so stands behind " OUR_NAME
				" and moves the session out of its "
				"cgroup: put our line last",
				service);
}

/* "common-auth" and the like are parts, and .dpkg-old is nothing. */
static bool is_service(const char *name)
{
	return name[0] != '.' && strncmp(name, "common-", 7) != 0 &&
	       strchr(name, '~') == NULL && strstr(name, ".dpkg-") == NULL;
}

static int is_listed(const struct dirent *e)
{
	return is_service(e->d_name);
}

static void judge_user_manager(struct bvh_check *check, bool covered)
{
	if (covered || !bvh_check_confines(check) ||
	    access(PAM_DIR "/systemd-user", F_OK) != 0)
		return;
	bvh_check_found(check, BVH_CHECK_WARNING,
			PAM_DIR "/systemd-user: add 'account required " OUR_NAME
				"', else units of a confined user's service "
				"manager run outside its sessions");
}

void bvh_check_pam(struct bvh_check *check)
{
	bv_auto_close int dir =
		open(PAM_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **list = NULL;
	bool any = false, user_manager = false;
	int n = dir < 0 ? 0 : scandir(PAM_DIR, &list, is_listed, alphasort);

	for (int i = 0; i < n; i++) {
		struct use use = { 0 };
		struct stat st;

		if (fstatat(dir, list[i]->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode)) {
			walk_service(dir, list[i]->d_name, &use);
			judge_service(check, list[i]->d_name, &use);
			any |= use.session;
			user_manager |=
				use.account &&
				strcmp(list[i]->d_name, "systemd-user") == 0;
		}
		free(list[i]);
	}
	free(list);
	if (!any && bvh_check_confines(check))
		bvh_check_found(check, BVH_CHECK_WARNING,
				"no file of " PAM_DIR
				" has 'session required " OUR_NAME
				"': nobody is confined");
	judge_user_manager(check, user_manager);
}
