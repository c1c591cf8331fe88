/* SPDX-License-Identifier: MIT */
/*
 * What the live tests share: attackers are forked children whose exit status
 * is the errno they got, and what is missing on this kernel is said when a test
 * is skipped for it.
 */
#ifndef BV_TESTS_LIVE_H
#define BV_TESTS_LIVE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Skip, naming the missing fact. */
#define LIVE_NEED(fact, text)                                                  \
	do {                                                                   \
		if (!(fact)) {                                                 \
			print_message("# missing: %s\n", text);                \
			skip();                                                \
		}                                                              \
	} while (0)

#define LIVE_SIGNAL 1000 /* + the signal that ended the child */

/* errno of a call that returned -1, else 0: what attackers report. */
#define LIVE_ERRNO(call) ((call) < 0 ? errno : 0)

/* Run fn in a child; its return value (0..255), or LIVE_SIGNAL + signal. */
static inline int live_child(int (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(fn(arg));
	assert_true(pid > 0);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : LIVE_SIGNAL + WTERMSIG(status);
}

#endif
