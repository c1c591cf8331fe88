/* SPDX-License-Identifier: MIT */
/*
 * bvisor-wasm: the login shell of accounts that may run WebAssembly modules and
 * nothing else. Linked statically: there is no loader that an environment could
 * tell to bring other code, and landlock has to let one file be executed. What
 * it needs of the system it opens first; then it confines itself; then it looks
 * at what the user wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "helper/fd.h"
#include "helper/sys.h"
#include "wasm/shell/red.h"
#include "wasm/shell/shell.h"

#define TERM_CHARS                                                             \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._"

struct origin { /* what the environment said; it is emptied then */
	char *user, *home, *term, *command;
};

static char *keep(const char *name)
{
	const char *value = getenv(name);

	return value == NULL ? NULL : strdup(value);
}

/* A stream that is missing would be the next thing opened, and what else is
 * open is nobody's business here. */
static int take_streams(struct bv_err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR | O_NOCTTY) != fd)
			return bv_fail(err, BV_E_SYS,
				       "standard stream %d is closed", fd);
	}
	if (bvh_sys_close_range(3, ~0u, 0) != 0)
		return bv_fail_errno(err, errno, "close_range");
	return BV_OK;
}

static int take_environment(struct origin *o, struct bv_err *err)
{
	*o = (struct origin){
		.user = keep("USER"),
		.home = keep("HOME"),
		.term = keep("TERM"),
		.command = keep("SSH_ORIGINAL_COMMAND"),
	};
	if (clearenv() != 0)
		return bv_fail(err, BV_E_NOMEM, "the environment");
	if (o->term == NULL || strlen(o->term) > 64 ||
	    o->term[strspn(o->term, TERM_CHARS)] != '\0') {
		free(o->term);
		o->term = strdup("dumb");
	}
	/* No name of a locale comes from the user either. */
	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		(void)setlocale(LC_ALL, "C");
	return o->term ? BV_OK : bv_fail(err, BV_E_NOMEM, "the environment");
}

/* Ended by a signal, the shell still waits for its commands: they come by
 * descriptor. Stopping is for shells with job control. */
static int take_signals(struct bws *s, struct bv_err *err)
{
	static const int ignored[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGQUIT,
				       SIGPIPE };
	struct sigaction sa = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	for (size_t i = 0; i < BV_LEN(ignored); i++)
		if (sigaction(ignored[i], &sa, NULL) != 0)
			return bv_fail_errno(err, errno, "sigaction");
	if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
		return bv_fail_errno(err, errno, "sigprocmask");
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? bv_fail_errno(err, errno, "signalfd") : BV_OK;
}

static int confine(struct bws *s, struct bv_err *err)
{
	const struct rlimit none = { 0, 0 };
	static struct bws_bpf bpf;
	int code = bws_filter_shell(&bpf, err);

	if (code == BV_OK)
		code = s->inlined ? bws_filter_inline(&s->command_bpf, err)
				  : bws_filter_command(&s->command_bpf, err);
	if (code == BV_OK && (setrlimit(RLIMIT_CORE, &none) != 0 ||
			      prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0))
		code = bv_fail_errno(err, errno, "core dumps");
	if (code == BV_OK)
		code = bws_confine_shell(&s->store, &bpf, err);
	/* What would hold each command holds all of us. */
	if (code == BV_OK && s->inlined)
		code = bws_confine_calls(&s->command_bpf, err);
	return code;
}

/* Home, whether a command reaches it or only what is below. */
static void choose_cwd(struct bws *s)
{
	snprintf(s->cwd, sizeof(s->cwd), "/");
	if (!bws_path(s, s->who.home, s->cwd))
		snprintf(s->cwd, sizeof(s->cwd), "/");
}

static int settle(struct bws *s, struct origin *o, bool interactive,
		  struct bv_err *err)
{
	int code = take_streams(err);

	bws_red_read();
	bws_store_init(&s->store);
	if (code == BV_OK)
		code = take_environment(o, err);
	if (code == BV_OK)
		code = bws_guardian_ask(s, err);
	if (code == BV_OK)
		code = bws_whom(o->user, o->home, &s->store.arena, &s->who,
				err);
	if (code == BV_OK)
		code = bws_store_load(&s->store, &s->who, err);
	if (code != BV_OK)
		return code;
	bw_totals_init(&s->totals, &s->store.session);
	choose_cwd(s);
	bws_record_open();
	s->interactive = interactive && isatty(0) && isatty(1);
	if (s->interactive)
		code = bws_edit_new(s, o->term, &s->edit, err);
	if (code == BV_OK)
		code = take_signals(s, err);
	return code == BV_OK ? confine(s, err) : code;
}

/* What ends a shell that waits for a line and has nobody at a terminal. */
static bool take_signal(struct bws *s)
{
	struct signalfd_siginfo si;

	if (read(s->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return false;
	s->ended_by = (int)si.ssi_signo;
	return true;
}

/* Without a terminal: byte by byte, for what follows a line may be meant for
 * the command in it. buf has room for one byte more than a line has. NULL: the
 * end, which a line that is too long is as well: who knows what stands behind
 * it. */
static const char *read_line(struct bws *s, char *buf, size_t *ret_len)
{
	struct pollfd fds[] = { { 0, POLLIN, 0 }, { s->signal_fd, POLLIN, 0 } };
	size_t n = 0;

	for (;;) {
		ssize_t got;

		if (poll(fds, BV_LEN(fds), -1) < 0) {
			if (errno != EINTR)
				return NULL;
			continue;
		}
		if (fds[1].revents != 0 && take_signal(s))
			return NULL;
		if (fds[0].revents == 0)
			continue;
		got = read(0, buf + n, 1);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0 && n == 0)
			return NULL;
		if (got <= 0 || buf[n] == '\n')
			break;
		if (++n > BW_LINE_BYTES_MAX) {
			bws_say("a line over %u bytes; no more is read",
				BW_LINE_BYTES_MAX);
			s->status = BWS_USAGE;
			return NULL;
		}
	}
	*ret_len = n;
	return buf;
}

static void read_all(struct bws *s)
{
	static char buf[BW_LINE_BYTES_MAX + 1];

	while (!s->leave && s->ended_by == 0) {
		size_t len = 0;
		const char *text = s->interactive ? bws_edit_line(s, &len)
						  : read_line(s, buf, &len);

		if (text == NULL)
			break;
		if (len > 0)
			bws_line(s, text, len);
	}
}

/* "-c CMD"; a ForceCommand without arguments has it in the environment. */
static const char *find_command(int argc, char **argv, const struct origin *o)
{
	if (argc == 3)
		return argv[2];
	return argv[0][0] == '-' ? NULL : o->command;
}

static const char usage[] =
	"usage: bvisor-wasm [--inline] [-c COMMAND] | --help\n";

int main(int argc, char **argv)
{
	static struct bws s = { .signal_fd = -1, .guardian_fd = -1 };
	struct origin o = { 0 };
	struct bv_err err = { 0 };
	const char *command;

	if (argc > 1 && strcmp(argv[1], "--inline") == 0) {
		s.inlined = true;
		argv[1] = argv[0];
		argv++, argc--;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 1 || argc == 2 || argc > 3 ||
	    (argc == 3 && strcmp(argv[1], "-c") != 0)) {
		fputs(usage, stderr);
		return BWS_USAGE;
	}
	if (settle(&s, &o, argc == 1, &err) != BV_OK) {
		bws_say("%s; nothing was run", err.msg);
		return BWS_REFUSED;
	}
	command = find_command(argc, argv, &o);
	if (command != NULL)
		bws_line(&s, command, strlen(command));
	else
		read_all(&s);
	bws_edit_free(s.edit);
	bws_store_done(&s.store);
	return s.ended_by != 0 ? 128 + s.ended_by : s.status;
}
