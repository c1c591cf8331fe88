/* SPDX-License-Identifier: MIT */
/*
 * What the attackers share. Each is a program of its own, libc and nothing of
 * ours, run in the place of the confined user:
 *
 *   attack-X [KEY=VALUE...] NAME...      or "all"
 *
 * Every attack runs in a child, so that one that dies harms no other, and says
 * one line: "ATTEMPT name: stopped ERRNO", "… through", "… untried WHY". The
 * exit status is the worst: 0 all stopped, 1 one got through, 2 one could not
 * even be tried (which must never count as stopped).
 */
#ifndef TESTS_ESCAPE_ATTACK_H
#define TESTS_ESCAPE_ATTACK_H

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define THROUGH 0  /* an attack returns this, an errno (stopped) or UNTRIED */
#define UNTRIED -1 /* the reason is in stage->why */
#define SECONDS 30 /* of one attack */

struct stage {
	char out[256]; /* a directory that no rule grants */
	char in[256];  /* one the policy lets be written */
	char exe[256]; /* a program with the setuid bit */
	char dir[256]; /* a cgroup that is open to the attacker */
	char name[64]; /* of an abstract socket outside */
	pid_t pid;     /* a process of the same uid outside */
	int port;      /* a listener outside */
	int limit;     /* of tasks */
	char *why;     /* WHY_MAX bytes, shared with the parent by a pipe */
};

struct attack {
	const char *name;
	int (*run)(struct stage *s);
};

#define WHY_MAX 120

struct verdict {
	int code;
	char why[WHY_MAX];
};

static inline int untried(const struct stage *s, const char *why)
{
	snprintf(s->why, WHY_MAX, "%s (%s)", why, strerror(errno));
	return UNTRIED;
}

/* The path of `name` below `dir`. */
static inline const char *below(const char *dir, const char *name,
				char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		abort();
	return path;
}

/* -1 with errno → the errno; anything else → through. */
static inline int result(long rc)
{
	if (rc >= 0)
		return THROUGH;
	return errno > 0 ? errno : EIO;
}

static inline struct verdict run_one(const struct attack *a, struct stage *s)
{
	struct verdict v = { UNTRIED, "no answer" };
	int pipe_fd[2];
	int status = 0;
	pid_t pid;

	if (pipe(pipe_fd) != 0)
		return v;
	pid = fork();
	if (pid < 0) {
		snprintf(v.why, sizeof(v.why), "fork: %s", strerror(errno));
	} else if (pid == 0) {
		alarm(SECONDS);
		s->why = v.why;
		v.code = a->run(s);
		(void)!write(pipe_fd[1], &v, sizeof(v));
		_exit(0);
	}
	close(pipe_fd[1]);
	if (pid > 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status)) {
			v.code = WTERMSIG(status) == SIGSYS ? -SIGSYS : UNTRIED;
			snprintf(v.why, sizeof(v.why), "killed by signal %d",
				 WTERMSIG(status));
		} else {
			(void)!read(pipe_fd[0], &v, sizeof(v));
		}
	}
	close(pipe_fd[0]);
	return v;
}

/* The exit status that the verdict asks for. */
static inline int say(const char *name, const struct verdict *v)
{
	int status = 0;

	if (v->code == THROUGH) {
		printf("ATTEMPT %s: through\n", name);
		status = 1;
	} else if (v->code == UNTRIED) {
		printf("ATTEMPT %s: untried %s\n", name, v->why);
		status = 2;
	} else if (v->code == -SIGSYS) {
		printf("ATTEMPT %s: stopped SIGSYS\n", name);
	} else {
		const char *text = strerrorname_np(v->code);

		printf("ATTEMPT %s: stopped %s\n", name,
		       text == NULL ? "?" : text);
	}
	fflush(stdout);
	return status;
}

static inline int set_text(char *to, size_t len, const char *from)
{
	return (size_t)snprintf(to, len, "%s", from) < len ? 0 : -1;
}

static inline int set_option(struct stage *s, const char *word)
{
	const char *value = strchr(word, '=') + 1;

	if (strncmp(word, "OUT=", 4) == 0)
		return set_text(s->out, sizeof(s->out), value);
	if (strncmp(word, "IN=", 3) == 0)
		return set_text(s->in, sizeof(s->in), value);
	if (strncmp(word, "EXE=", 4) == 0)
		return set_text(s->exe, sizeof(s->exe), value);
	if (strncmp(word, "DIR=", 4) == 0)
		return set_text(s->dir, sizeof(s->dir), value);
	if (strncmp(word, "NAME=", 5) == 0)
		return set_text(s->name, sizeof(s->name), value);
	if (strncmp(word, "PID=", 4) == 0)
		s->pid = atoi(value);
	else if (strncmp(word, "PORT=", 5) == 0)
		s->port = atoi(value);
	else if (strncmp(word, "LIMIT=", 6) == 0)
		s->limit = atoi(value);
	else
		return -1;
	return 0;
}

static inline int attack_main(int argc, char **argv,
			      const struct attack *attacks, size_t n)
{
	struct stage s = { .pid = 0 };
	int worst = 0;

	for (int i = 1; i < argc; i++) {
		int found = 0;

		if (strchr(argv[i], '=') != NULL) {
			if (set_option(&s, argv[i]) == 0)
				continue;
			fprintf(stderr, "bad option '%s'\n", argv[i]);
			return 2;
		}
		for (size_t k = 0; k < n; k++) {
			struct verdict v;
			int status;

			if (strcmp(argv[i], "all") != 0 &&
			    strcmp(argv[i], attacks[k].name) != 0)
				continue;
			found = 1;
			v = run_one(&attacks[k], &s);
			status = say(attacks[k].name, &v);
			worst = status > worst ? status : worst;
		}
		if (found == 0) {
			printf("ATTEMPT %s: untried no such attack\n", argv[i]);
			worst = 2;
		}
	}
	return worst;
}

#endif
