/* SPDX-License-Identifier: MIT */
/* One command, as a shell of modules may tell of it. */
#ifndef BV_TESTS_COMMAND_FIXTURE_H
#define BV_TESTS_COMMAND_FIXTURE_H

#include "core/command.h"

static const struct bv_command sound = {
	.name = "sort",
	.sha256 = "0123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef",
	.verdict = BV_COMMAND_FUEL,
	.status = 152,
	.counted = true,
	.fuel = 3000000,
	.peak_pages = 17,
	.cpu_us = 1234,
	.wall_us = 5678,
};

#endif
