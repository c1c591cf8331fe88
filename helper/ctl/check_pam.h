/* SPDX-License-Identifier: MIT */
/* Shared by check_pam.c, check_pam_line.c, check_pam_read.c; nobody else. */
#ifndef BVH_CTL_CHECK_PAM_H
#define BVH_CTL_CHECK_PAM_H

#include "helper/ctl/check.h"
#include "pam_bvisor/args.h"

#include <stdio.h>

#define BVH_PAM_NAME "pam_bvisor.so"

/* A line as libpam joins and splits it; the words lie in the file's text. */
struct bvh_pam_line {
	char file[256];
	unsigned int number;        /* where it begins */
	const char *type, *control; /* "account", "required" */
	const char *module;         /* NULL: the line is shorter */
	const char *argv[64];
	int argc;
};

struct bvh_pam_file {
	FILE *f;
	char path[256];
	unsigned int number; /* of the line read last */
};

enum bvh_pam_read {
	BVH_PAM_LINE,
	BVH_PAM_END,
	BVH_PAM_BROKEN, /* ends within a line: libpam refuses the service */
};

/* The next line with a type and a control. */
enum bvh_pam_read bvh_pam_read(struct bvh_pam_file *from, char *text,
			       size_t size, struct bvh_pam_line *ret);

/* Does the line name our module? */
bool bvh_pam_is_ours(const struct bvh_pam_line *l);

/* Is a refusal of ours heeded, by the line's control? */
bool bvh_pam_heeds(const struct bvh_pam_line *l);

/* What is wrong with a line of ours, whatever stands around it. */
void bvh_check_pam_line(struct bvh_check *check, struct bvh_pam_line *l);

/* Could the module start its helper? */
void bvh_check_helper(struct bvh_check *check);

#endif
