#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print the landlock ABI of this kernel, 0 for none."""
import ctypes

SYS_landlock_create_ruleset = 444
LANDLOCK_CREATE_RULESET_VERSION = 1

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
print(max(0, libc.syscall(SYS_landlock_create_ruleset, None,
                          ctypes.c_size_t(0), LANDLOCK_CREATE_RULESET_VERSION)))
