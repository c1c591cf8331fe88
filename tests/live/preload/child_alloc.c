/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into bvisorctl: a process that was forked from it, and allocates
 * before it executes something, ends at once and says so.
 */
#include <stddef.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);

static pid_t first;

__attribute__((constructor)) static void remember(void)
{
	first = getpid();
}

static void look(void)
{
	static const char said[] = "ALLOCATED in the child\n";

	if (first == 0 || getpid() == first)
		return;
	(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
	_exit(77);
}

__attribute__((visibility("default"))) void *malloc(size_t n)
{
	look();
	return __libc_malloc(n);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	look();
	return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
	look();
	return __libc_realloc(p, n);
}
