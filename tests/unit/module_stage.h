/* SPDX-License-Identifier: MIT */
/*
 * A stage for the PAM module: a tmpfs in a mount namespace of this process
 * alone, with a guardian that plays a part, a PAM service, and ears for what is
 * said to syslog(3) and to the user.
 */
#ifndef TESTS_UNIT_MODULE_STAGE_H
#define TESTS_UNIT_MODULE_STAGE_H

#include <security/pam_appl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define STAGE_HELPER     BV_STAGE "/bvisor-helper"
#define STAGE_SECRET     BV_STAGE "/secret"
#define STAGE_COVER      BV_STAGE "/pub/cover/sub" /* gone inside the boundary */
#define STAGE_ERR        3 /* syslog levels: <syslog.h> would hide our syslog() */
#define STAGE_MARK_ERRNO 77 /* of personality(2) under the fake's filter */
#define STAGE_CRIT       2

/* Shared with forked children. */
struct heard {
	char log[4096]; /* one line each */
	int log_lines;
	int log_level; /* of the last */
	char user[4096];
	int user_lines;
};
extern struct heard *heard;

int stage_build(void **state); /* of a group */
int stage_begin(void **state); /* of each test */
int stage_end(void **state);   /* fails when a guardian is left */
bool stage_filter_is_on(void); /* the fake's, in this process */
void stage_reset(void);        /* helper back, log and ears empty */
void stage_mode(const char *mode);
void stage_service(const char *args); /* of account, session and auth */
/* What the fake wrote, every line of it after a newline. */
const char *stage_log(char *buf, size_t len);
bool stage_log_has(const char *text);
unsigned long stage_log_number(const char *key);
void stage_copy_helper(const char *to, unsigned int mode);

/* All guardians of this test gone, waiting a while: else they are killed and
 * the answer is false. */
bool stage_is_empty(void);

pam_handle_t *stage_start(const char *user);

/* What a host process would notice. */
struct host {
	int fds;
	sigset_t mask;
	struct sigaction chld;
	unsigned int umask;
	char cwd[512];
};
void host_look(struct host *ret);
/* NULL, or what has changed. */
const char *host_compare(const struct host *before, int more_fds);
int host_count_fds(void);
/* fn in a child: 0 when it returned and every NEED held. */
int in_child(void (*fn)(const void *), const void *arg);
long long now_ms(void);

#define NEED(what)                                                             \
	do {                                                                   \
		if (!(what))                                                   \
			need_failed(#what, __FILE__, __LINE__);                \
	} while (0)
_Noreturn void need_failed(const char *what, const char *file, int line);

#endif
