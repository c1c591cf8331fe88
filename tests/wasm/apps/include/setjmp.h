/* SPDX-License-Identifier: MIT */
/* wasi-libc has none: nothing ever jumps back, a jump ends the program. */
#ifndef SHIM_SETJMP_H
#define SHIM_SETJMP_H
#include <stdlib.h>
typedef int jmp_buf[1];
#define setjmp(env)       ((void)(env), 0)
#define longjmp(env, val) ((void)(env), (void)(val), exit(1))
#define _setjmp           setjmp
#define _longjmp          longjmp
#endif
