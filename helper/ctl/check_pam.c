/* SPDX-License-Identifier: MIT */
/*
 * The PAM stacks as libpam would build them, as far as is needed to see where
 * pam_bvisor.so stands in each. Files are read, nothing is loaded.
 */
#include "helper/ctl/check_pam.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/fd.h"

#define PAM_DIR        "/etc/pam.d"
#define PAM_DIR_VENDOR "/usr/lib/pam.d" /* where libpam looks next */
#define OUR_NAME       BVH_PAM_NAME
#define DEPTH_MAX      8u
#define LINE_SIZE      4096

/* Whom the lines of one kind exempt. */
struct exempt {
	const char *v[32];
	size_t n;
};

struct use {
	bool account, session;
	bool auth;          /* of use for commit=child alone */
	bool child;         /* commit=child on a session line */
	bool weak;          /* a refusal is not heeded */
	bool systemd_later; /* pam_systemd behind us opens its session anew */
	bool too_deep;      /* includes; what stands behind was not seen */
	/* libpam refuses the service: the file that is not there, or ends amid a
	 * line */
	const char *missing, *broken;
	struct exempt exempt_account, exempt_session;
};

/* One file of the stack being read; only_type: it came by `session include`. */
struct frame {
	struct bvh_pam_file file;
	char only_type[16];
};

/* Lines that were judged: services share files. */
struct judged {
	const char *file;
	unsigned int number;
	struct judged *next;
};

struct walk {
	struct bvh_check *check;
	struct judged **judged;
	struct frame frame[DEPTH_MAX];
	size_t depth;
	struct use *use;
};

static FILE *open_in(const char *dir, const char *name, char *path, size_t size)
{
	bv_auto_close int fd = -1;
	FILE *f;

	snprintf(path, size, "%s%s%s", name[0] == '/' ? "" : dir,
		 name[0] == '/' ? "" : "/", name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (f != NULL)
		(void)bvh_fd_take(&fd);
	return f;
}

static void push(struct walk *w, const char *name, const char *only_type)
{
	struct frame *frame;
	struct bvh_pam_file *file;

	if (w->depth == DEPTH_MAX) {
		w->use->too_deep = true;
		return;
	}
	frame = &w->frame[w->depth];
	file = &frame->file;
	file->number = 0;
	snprintf(frame->only_type, sizeof(frame->only_type), "%s", only_type);
	file->f = open_in(PAM_DIR, name, file->path, sizeof(file->path));
	if (file->f == NULL)
		file->f = open_in(PAM_DIR_VENDOR, name, file->path,
				  sizeof(file->path));
	if (file->f == NULL)
		w->use->missing = bv_arena_strdup(&w->check->arena, name);
	else
		w->depth++;
}

static bool was_judged(struct walk *w, const struct bvh_pam_line *l)
{
	struct judged *j;

	for (j = *w->judged; j != NULL; j = j->next) {
		if (j->number == l->number && strcmp(j->file, l->file) == 0)
			return true;
	}
	j = bv_arena_alloc(&w->check->arena, sizeof(*j));
	if (j == NULL)
		return false; /* told twice, then */
	*j = (struct judged){ .file = bv_arena_strdup(&w->check->arena,
						      l->file),
			      .number = l->number,
			      .next = *w->judged };
	if (j->file != NULL)
		*w->judged = j;
	return false;
}

static bool exempts(const struct exempt *e, const char *who)
{
	for (size_t i = 0; i < e->n; i++) {
		if (strcmp(e->v[i], who) == 0)
			return true;
	}
	return false;
}

static void add_exempt(struct walk *w, struct exempt *e, const char *who)
{
	char *kept;

	if (who == NULL || exempts(e, who) || e->n == BV_LEN(e->v))
		return;
	kept = bv_arena_strdup(&w->check->arena, who);
	if (kept != NULL)
		e->v[e->n++] = kept;
}

static void on_ours(struct walk *w, struct bvh_pam_line *l)
{
	struct use *use = w->use;
	const bool session = strcasecmp(l->type, "session") == 0;
	struct bvp_args args;

	if (!was_judged(w, l))
		bvh_check_pam_line(w->check, l);
	if (!session && strcasecmp(l->type, "account") != 0) {
		use->auth |= strcasecmp(l->type, "auth") == 0;
		return; /* a password line is harmless, and no use */
	}
	bvp_args_parse(l->argc, l->argv, &args);
	use->session |= session;
	use->account |= !session;
	use->child |= session && args.child;
	use->weak |= !bvh_pam_heeds(l);
	for (int i = 0; i < l->argc; i++)
		add_exempt(w,
			   session ? &use->exempt_session
				   : &use->exempt_account,
			   bvp_args_exempt_name(l->argv[i]));
}

static void on_module(struct walk *w, struct bvh_pam_line *l)
{
	const char *slash = strrchr(l->module, '/');
	const char *name = slash == NULL ? l->module : slash + 1;

	if (bvh_pam_is_ours(l))
		on_ours(w, l);
	else if (w->use->session && strcasecmp(l->type, "session") == 0 &&
		 strcmp(name, "pam_systemd.so") == 0)
		w->use->systemd_later = true;
}

static void on_line(struct walk *w, const struct frame *from,
		    struct bvh_pam_line *l)
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
		on_module(w, l);
}

/* The stack of one service, in order. */
static void walk_service(struct bvh_check *check, struct judged **judged,
			 const char *service, struct use *use)
{
	struct walk w = { .check = check, .judged = judged, .use = use };
	char text[LINE_SIZE];
	struct bvh_pam_line l;

	push(&w, service, "");
	while (w.depth > 0) {
		struct frame *top = &w.frame[w.depth - 1];

		switch (bvh_pam_read(&top->file, text, sizeof(text), &l)) {
		case BVH_PAM_LINE:
			on_line(&w, top, &l);
			break;
		case BVH_PAM_BROKEN:
			use->broken =
				bv_arena_strdup(&check->arena, top->file.path);
			__attribute__((fallthrough));
		case BVH_PAM_END:
			fclose(top->file.f);
			w.depth--;
			break;
		}
	}
}

static bool same_exempt(const struct exempt *a, const struct exempt *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!exempts(b, a->v[i]))
			return false;
	}
	return a->n == b->n;
}

/* What libpam makes of files that are not whole. */
static void judge_files(struct bvh_check *check, const char *service,
			const struct use *use)
{
	if (use->missing != NULL)
		bvh_check_found(check, BVH_CHECK_ERROR,
				PAM_DIR "/%s includes %s, which is not there: "
					"libpam refuses the service",
				service, use->missing);
	if (use->broken != NULL)
		bvh_check_found(check, BVH_CHECK_ERROR,
				PAM_DIR
				"/%s: %s ends in a line that goes on (or is "
				"too long): libpam refuses the service",
				service, use->broken);
	if (use->too_deep)
		bvh_check_found(check, BVH_CHECK_WARNING,
				PAM_DIR "/%s: includes too deep to be followed",
				service);
}

/* The two lines beside each other. */
static void judge_pair(struct bvh_check *check, const char *service,
		       const struct use *use)
{
	if (!use->account || !use->session ||
	    same_exempt(&use->exempt_account, &use->exempt_session))
		return;
	bvh_check_found(check, BVH_CHECK_WARNING,
			PAM_DIR "/%s: account and session lines exempt "
				"different users: say the same exempt= on both",
			service);
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
				"/%s: " OUR_NAME " is optional, sufficient or "
				"without 'die' or 'bad' for a refusal, which "
				"is not heeded; make it required",
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

/* What is there of ours in all services. */
struct found {
	bool any;     /* a line */
	bool session; /* one that confines */
	bool user_manager;
};

static void check_service(struct bvh_check *check, struct judged **judged,
			  const char *service, struct found *found)
{
	struct use use = { 0 };

	walk_service(check, judged, service, &use);
	if (!use.session && !use.account && !use.auth)
		return;
	judge_service(check, service, &use);
	judge_files(check, service, &use);
	judge_pair(check, service, &use);
	found->any |= use.session || use.account;
	found->session |= use.session;
	found->user_manager |=
		use.account && strcmp(service, "systemd-user") == 0;
}

void bvh_check_pam(struct bvh_check *check)
{
	bv_auto_close int dir =
		open(PAM_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **list = NULL;
	struct judged *judged = NULL;
	struct found found = { 0 };
	int n = dir < 0 ? 0 : scandir(PAM_DIR, &list, is_listed, alphasort);

	for (int i = 0; i < n; i++) {
		struct stat st;

		if (fstatat(dir, list[i]->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			check_service(check, &judged, list[i]->d_name, &found);
		free(list[i]);
	}
	free(list);
	if (!found.session && bvh_check_confines(check))
		bvh_check_found(check, BVH_CHECK_WARNING,
				"no file of " PAM_DIR
				" has 'session required " OUR_NAME
				"': nobody is confined");
	if (found.any)
		bvh_check_helper(check);
	judge_user_manager(check, found.user_manager);
}
