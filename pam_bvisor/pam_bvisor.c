/* SPDX-License-Identifier: MIT */
/*
 * The PAM entry points. This runs as root inside sshd, login, su and cron: it
 * knows no policy, parses nothing, keeps nothing outside the handle, and what
 * it cannot do refuses the session — except for uid 0, whom no fault of ours
 * may lock out.
 */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "pam_bvisor/args.h"
#include "pam_bvisor/client.h"
#include "pam_bvisor/exempt.h"
#include "pam_bvisor/log.h"
#include "pam_bvisor/red.h"

#define EXPORT          __attribute__((visibility("default")))
#define DATA_NAME       "pam_bvisor:session"
#define AUTH_NAME       "pam_bvisor:auth" /* which process our auth line was run in */
#define EXIT_UNCONFINED 254

static const char neutral_text[] =
	"Your session could not be confined as this host requires and was "
	"refused.";

/* What open_session leaves for close_session, in the PAM handle. */
struct session {
	int sock; /* the guardian's, -1 once it was told to close */
	pid_t opener;
	unsigned int opens;
	bool gated;      /* the opener is not confined: its child will be */
	int deadline_ms; /* for what the child asks */
	pid_t confined;  /* the child that was */
	ino_t sock_node; /* a child may have closed and reused the number */
};

/* The handle is copied by fork, and the copy may have closed all descriptors
 * and given ours' number to another file: only the opener closes it. Nothing
 * is said to the guardian: it watches this process. */
static void free_session(pam_handle_t *pamh, void *data, int status)
{
	struct session *s = data;

	(void)pamh;
	if (s->sock >= 0 && s->opener == getpid() &&
	    ((unsigned int)status & PAM_DATA_SILENT) == 0)
		close(s->sock);
	free(s);
}

static struct session *get_session(pam_handle_t *pamh)
{
	union {
		const void *in;
		struct session *out;
	} data = { NULL };

	if (pam_get_data(pamh, DATA_NAME, &data.in) != PAM_SUCCESS)
		return NULL;
	return data.out;
}

/* What this very process has open, or NULL. */
static struct session *get_open_session(pam_handle_t *pamh)
{
	struct session *s = get_session(pamh);

	return s != NULL && s->sock >= 0 && s->opener == getpid() ? s : NULL;
}

static const char *item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	if (pam_get_item(pamh, type, &value) != PAM_SUCCESS || value == NULL)
		return "";
	return value;
}

struct caller {
	struct bvp_args args;
	const char *user;
	uid_t uid;
	bool silent;
	bool in_child; /* the leader's child is to commit */
	int refused;   /* PAM codes of this stage */
	int broken;
};

static void tell_refused(pam_handle_t *pamh, const struct caller *c,
			 const char *text)
{
	if (!c->silent && !c->args.quiet)
		bvp_tell_user(pamh, text[0] != '\0' ? text : neutral_text);
}

/* PAM_SUCCESS: go on asking, unless *ret_exempt. Else: the answer. (Not
 * PAM_IGNORE for the exempt: a stack of nothing else would deny them.) */
static int identify(pam_handle_t *pamh, struct caller *c, bool *ret_exempt)
{
	const struct passwd *pw;

	if (pam_get_user(pamh, &c->user, NULL) != PAM_SUCCESS ||
	    c->user == NULL || c->user[0] == '\0') {
		bvp_log(pamh, LOG_ERR, "no user name", "");
		return c->broken;
	}
	pw = pam_modutil_getpwnam(pamh, c->user);
	if (pw == NULL) {
		bvp_log(pamh, LOG_ERR, "unknown user", c->user);
		return PAM_USER_UNKNOWN;
	}
	c->uid = pw->pw_uid;
	*ret_exempt = bvp_args_exempt(pamh, &c->args, c->user);
	if (*ret_exempt) {
		if (c->args.debug)
			bvp_log(pamh, LOG_DEBUG, "exempt by the PAM line",
				c->user);
		return PAM_SUCCESS;
	}
	if (c->args.unknown != NULL && c->uid != 0) {
		bvp_log(pamh, LOG_ERR, "unknown argument in the PAM line",
			c->args.unknown);
		tell_refused(pamh, c, "");
		return c->broken;
	}
	return PAM_SUCCESS;
}

/* A fault refuses; root is let in and the log says so. */
static int answer_fault(pam_handle_t *pamh, const struct caller *c,
			const struct bvp_answer *a)
{
	if (c->uid == 0 && !a->committed) {
		bvp_log(pamh, LOG_CRIT,
			"root is let in unconfined, pam_bvisor is broken",
			a->log_text);
		return PAM_SUCCESS;
	}
	bvp_log(pamh, LOG_ERR, "refused, pam_bvisor is broken", a->log_text);
	if (bvp_red("fail-open"))
		return PAM_SUCCESS;
	tell_refused(pamh, c, a->user_text);
	return c->broken;
}

static int answer(pam_handle_t *pamh, const struct caller *c,
		  const struct bvp_answer *a)
{
	switch (a->verdict) {
	case BVP_ADMITTED:
	case BVP_JOINED:
		if (c->args.debug)
			bvp_log(pamh, LOG_DEBUG, "admitted under plan",
				a->plan);
		return PAM_SUCCESS;
	case BVP_UNCONFINED:
		if (c->args.debug)
			bvp_log(pamh, LOG_DEBUG, "not confined", a->log_text);
		return PAM_SUCCESS;
	case BVP_REFUSED:
		bvp_log(pamh, LOG_NOTICE, "refused", a->log_text);
		tell_refused(pamh, c, a->user_text);
		return c->refused;
	case BVP_FAULT:
		break;
	}
	return answer_fault(pamh, c, a);
}

static void ask(pam_handle_t *pamh, const struct caller *c, uint16_t type,
		struct bvp_answer *ret)
{
	const struct bvp_request req = {
		.flags = (c->args.quiet ? BVP_FLAG_QUIET : 0u) |
			 (c->args.debug ? BVP_FLAG_DEBUG : 0u) |
			 (c->args.forcecommand ? BVP_FLAG_FORCECOMMAND : 0u) |
			 (c->in_child ? BVP_FLAG_CHILD : 0u) |
			 c->args.deadline_s << BVP_DEADLINE_SHIFT,
		.user = c->user,
		.service = item(pamh, PAM_SERVICE),
		.tty = item(pamh, PAM_TTY),
		.rhost = item(pamh, PAM_RHOST),
		.ruser = item(pamh, PAM_RUSER),
	};
	const struct session *s = get_open_session(pamh);

	if (s != NULL)
		bvp_ask_again(s->sock, type, &req, ret);
	else
		bvp_ask(type, &req, ret);
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc,
			    const char **argv)
{
	struct caller c = { .silent = ((unsigned int)flags & PAM_SILENT) != 0,
			    .refused = PAM_PERM_DENIED,
			    .broken = PAM_SYSTEM_ERR };
	struct bvp_answer a;
	bool exempt = false;
	int rc;

	bvp_args_parse(argc, argv, &c.args);
	rc = identify(pamh, &c, &exempt);
	if (rc != PAM_SUCCESS || exempt)
		return rc;
	ask(pamh, &c, BVP_MSG_ADMIT, &a);
	return answer(pamh, &c, &a);
}

/* Without the handle's memory nothing would ever close the session. */
static int remember(pam_handle_t *pamh, const struct bvp_answer *a)
{
	struct stat st;
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL || fstat(a->guardian.sock, &st) != 0) {
		free(s);
		return PAM_BUF_ERR;
	}
	s->sock = a->guardian.sock;
	s->sock_node = st.st_ino;
	s->opener = getpid();
	s->opens = 1;
	s->gated = a->gated;
	s->deadline_ms = a->deadline_ms;
	if (pam_set_data(pamh, DATA_NAME, s, free_session) == PAM_SUCCESS)
		return PAM_SUCCESS;
	free(s);
	return PAM_BUF_ERR;
}

/*
 * sshd runs the auth stack's setcred in this process before it opens the
 * session, and once more in the child that becomes the user. Where the first
 * did not reach us the second will not; then, and in every other program, this
 * process itself is confined.
 */
static bool child_will_come(pam_handle_t *pamh, const struct caller *c)
{
	const void *auth = NULL;

	if (strcmp(item(pamh, PAM_SERVICE), "sshd") != 0 || c->uid == 0)
		return false;
	if (pam_get_data(pamh, AUTH_NAME, &auth) == PAM_SUCCESS &&
	    auth != NULL && *(const pid_t *)auth == getpid())
		return true;
	bvp_log(pamh, LOG_WARNING,
		"commit=child without a line 'auth required pam_bvisor.so' at "
		"the head of the stack",
		"sshd itself is confined");
	return false;
}

static int open_anew(pam_handle_t *pamh, const struct caller *c)
{
	const char *why = "";
	struct bvp_answer a;
	int rc;

	ask(pamh, c, BVP_MSG_OPEN, &a);
	rc = answer(pamh, c, &a);
	if (rc != PAM_SUCCESS || a.guardian.sock < 0)
		return rc;
	rc = remember(pamh, &a);
	if (rc != PAM_SUCCESS) {
		bvp_log(pamh, LOG_ERR, "refused", "no memory for the session");
		(void)bvp_close_session(a.guardian.sock, &why);
		tell_refused(pamh, c, "");
	}
	return rc;
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc,
			       const char **argv)
{
	struct caller c = { .silent = ((unsigned int)flags & PAM_SILENT) != 0,
			    .refused = PAM_SESSION_ERR,
			    .broken = PAM_SESSION_ERR };
	struct session *before;
	bool exempt = false;
	int rc;

	bvp_args_parse(argc, argv, &c.args);
	rc = identify(pamh, &c, &exempt);
	c.in_child = c.args.child && child_will_come(pamh, &c);
	before = get_open_session(pamh);
	if (rc == PAM_SUCCESS && !exempt)
		rc = open_anew(pamh, &c);
	/* whatever was opened within it is closed before it is */
	if (rc == PAM_SUCCESS && before != NULL)
		before->opens++;
	return rc;
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc,
				const char **argv)
{
	struct session *s = get_open_session(pamh);
	const char *why = "";
	int sock;

	(void)flags;
	(void)argc;
	(void)argv;
	if (s == NULL || --s->opens > 0)
		return PAM_SUCCESS; /* never opened here, or a forked copy */
	sock = s->sock;
	s->sock = -1;
	if (bvp_close_session(sock, &why) == 0)
		return PAM_SUCCESS;
	/* it watches this process and ends the session with it */
	bvp_log(pamh, LOG_ERR, "the guardian did not answer the close", why);
	return PAM_SESSION_ERR;
}

/* Harmless in an auth stack: pam-auth-update and copied lines put it there. */
EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc,
			       const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_IGNORE;
}

static void free_auth(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/* Our auth line was reached, in this process. */
static void note_auth(pam_handle_t *pamh)
{
	pid_t *auth = malloc(sizeof(*auth));

	if (auth == NULL)
		return;
	*auth = getpid();
	if (pam_set_data(pamh, AUTH_NAME, auth, free_auth) != PAM_SUCCESS)
		free(auth);
}

/* sshd takes no notice when setcred fails, so this does not come back then. */
static void confine_child(pam_handle_t *pamh, struct session *s)
{
	struct bvp_answer a = { .log_text = "the guardian's socket is gone" };
	struct stat st;

	if (fstat(s->sock, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_ino == s->sock_node) {
		bvp_ask_here(s->sock, s->deadline_ms, &a);
		if (a.verdict == BVP_ADMITTED) {
			s->confined = getpid();
			return;
		}
	}
	bvp_log(pamh, LOG_ERR, "the child of sshd could not be confined",
		a.log_text);
	if (!bvp_red("fail-open"))
		_exit(EXIT_UNCONFINED);
}

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc,
			  const char **argv)
{
	struct session *s = get_session(pamh);

	(void)argc;
	(void)argv;
	if (((unsigned int)flags & PAM_DELETE_CRED) != 0)
		return PAM_IGNORE;
	if (s == NULL)
		note_auth(pamh);
	else if (s->gated && s->opener != getpid() && s->confined != getpid() &&
		 getuid() == 0)
		confine_child(pamh, s);
	return PAM_IGNORE;
}
