/* SPDX-License-Identifier: MIT */
/* Lines from a terminal, by libedit; the history lives as long as the session
 * and on no disk. */
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>

#include "wasm/shell/shell.h"

#define HISTORY_LINES 500

struct bws_edit {
	EditLine *line;
	History *history;
	struct bws *shell;
	bool interrupted;
	char prompt[BWS_PATH_MAX + 32];
};

/* Keys and signals come the same way, so that none falls between two looks. */
static int get_char(EditLine *line, wchar_t *ret)
{
	struct bws_edit *e = NULL;
	mbstate_t state = { 0 };

	el_get(line, EL_CLIENTDATA, &e);
	for (;;) {
		struct pollfd fds[] = { { 0, POLLIN, 0 },
					{ e->shell->signal_fd, POLLIN, 0 } };
		struct signalfd_siginfo si;
		size_t n;
		char c;

		if (poll(fds, BV_LEN(fds), -1) < 0 && errno != EINTR)
			return -1;
		if (fds[1].revents != 0 &&
		    read(e->shell->signal_fd, &si, sizeof(si)) ==
			    (ssize_t)sizeof(si)) {
			e->interrupted = si.ssi_signo == SIGINT;
			if (!e->interrupted)
				e->shell->ended_by = (int)si.ssi_signo;
			return -1;
		}
		if (fds[0].revents == 0)
			continue;
		if (read(0, &c, 1) != 1)
			return 0;
		n = mbrtowc(ret, &c, 1, &state);
		if (n == 0 || n == 1)
			return 1;
		if (n == (size_t)-1) /* no UTF-8: not a key */
			state = (mbstate_t){ 0 };
	}
}

static char *prompt(EditLine *line)
{
	struct bws_edit *e = NULL;

	el_get(line, EL_CLIENTDATA, &e);
	return e->prompt;
}

int bws_edit_new(struct bws *s, const char *term, struct bws_edit **ret,
		 struct bv_err *err)
{
	struct bws_edit *e = calloc(1, sizeof(*e));
	HistEvent event;

	/* libedit reads TERM from the environment, which is empty else. */
	if (e == NULL || setenv("TERM", term, 1) != 0) {
		free(e);
		return bv_fail(err, BV_E_NOMEM, "no memory for the terminal");
	}
	e->line = el_init("bvisor-wasm", stdin, stdout, stderr);
	e->history = history_init();
	if (e->line == NULL || e->history == NULL) {
		bws_edit_free(e);
		return bv_fail(err, BV_E_NOMEM, "the terminal");
	}
	e->shell = s;
	history(e->history, &event, H_SETSIZE, HISTORY_LINES);
	history(e->history, &event, H_SETUNIQUE, 1);
	el_set(e->line, EL_CLIENTDATA, e);
	el_set(e->line, EL_PROMPT, prompt);
	el_set(e->line, EL_EDITOR, "emacs");
	el_set(e->line, EL_HIST, history, e->history);
	el_set(e->line, EL_GETCFN, get_char);
	*ret = e;
	return BV_OK;
}

void bws_edit_free(struct bws_edit *e)
{
	if (e == NULL)
		return;
	if (e->line != NULL)
		el_end(e->line);
	if (e->history != NULL)
		history_end(e->history);
	free(e);
}

void bws_edit_history(struct bws_edit *e)
{
	HistEvent event;

	for (int more = history(e->history, &event, H_LAST); more >= 0;
	     more = history(e->history, &event, H_PREV))
		printf("%5d  %s", event.num, event.str);
}

/* The home directory as "~": the terminal is narrow. */
static void set_prompt(struct bws *s)
{
	const size_t n = strlen(s->who.home);
	const char *at = s->cwd;
	bool home = n > 1 && strncmp(at, s->who.home, n) == 0 &&
		    (at[n] == '/' || at[n] == '\0');

	snprintf(s->edit->prompt, sizeof(s->edit->prompt), "wasm:%s%s> ",
		 home ? "~" : "", home ? at + n : at);
}

const char *bws_edit_line(struct bws *s, size_t *ret_len)
{
	struct bws_edit *e = s->edit;
	HistEvent event;
	const char *text;
	int n = 0;

	set_prompt(s);
	e->interrupted = false;
	text = el_gets(e->line, &n);
	*ret_len = 0;
	if (e->interrupted) {
		el_reset(e->line);
		puts("");
		s->status = BWS_INTERRUPT;
		return "";
	}
	if (text == NULL || n <= 0)
		return NULL;
	if (text[0] != '\n')
		history(e->history, &event, H_ENTER, text);
	*ret_len = (size_t)n - (text[n - 1] == '\n' ? 1 : 0);
	return text;
}
