/* SPDX-License-Identifier: MIT */
/*
 * The module's side of one exchange with one guardian. Every step has a
 * deadline; a guardian that misses it is killed, and what it had prepared goes
 * with it.
 */
#ifndef BVP_CLIENT_H
#define BVP_CLIENT_H

#include "pam_bvisor/spawn.h"
#include "pam_bvisor/wire.h"

#include <stdbool.h>

struct bvp_answer {
	enum bvp_verdict verdict; /* BVP_FAULT also for what broke here */
	bool committed; /* this process is confined, whatever the verdict */
	bool hung;      /* a deadline passed */
	bool gated;     /* nobody is confined yet: the leader's child will be */
	int deadline_ms; /* that of each step of this exchange */
	char session[64];
	char plan[80];
	char log_text[BVP_TEXT_MAX];
	char user_text[BVP_TEXT_MAX];
	struct bvp_guardian guardian; /* alive only after ADMITTED on OPEN */
};

/* type is BVP_MSG_ADMIT or BVP_MSG_OPEN. After ADMITTED on OPEN this process is
 * confined and attested, and *ret holds the guardian; in every other case no
 * guardian and no descriptor is left. */
void bvp_ask(uint16_t type, const struct bvp_request *req,
	     struct bvp_answer *ret);

/* The same of the guardian whose session this process has open already: it
 * answers JOINED or refuses, and lives on whatever it answers. */
void bvp_ask_again(int sock, uint16_t type, const struct bvp_request *req,
		   struct bvp_answer *ret);

/* The leader's child asks to be confined; ADMITTED: it is, and attested. In
 * every other case it may not live on. sock stays open. */
void bvp_ask_here(int sock, int deadline_ms, struct bvp_answer *ret);

/* CLOSE and its answer; closes sock. 0, or an errno with *ret_why a text. */
int bvp_close_session(int sock, const char **ret_why);

#endif
