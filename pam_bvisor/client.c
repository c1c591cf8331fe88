/* SPDX-License-Identifier: MIT */
/* Ask, commit, be attested; or refuse and leave nothing. */
#include "pam_bvisor/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pam_bvisor/commit.h"
#include "pam_bvisor/message.h"

/* Closing is killing, draining and two fsyncs, on a machine where two hundred
 * sessions may be closing: it gets far more than a step of opening. A dead
 * guardian is seen at once, and nobody waits here to be let in. */
#define CLOSE_DEADLINE_MS (20 * BVP_DEADLINE_MS)

static const char *describe(int e)
{
	const char *desc = e == ECONNRESET || e == EPIPE ? "the guardian ended"
			   : e == ETIMEDOUT              ? "the deadline passed"
							 : strerrordesc_np(e);

	return desc == NULL ? "?" : desc;
}

static void fault(struct bvp_answer *a, const char *what, int e)
{
	a->verdict = BVP_FAULT;
	a->hung = e == ETIMEDOUT;
	snprintf(a->log_text, sizeof(a->log_text), "%s: %s%s", what,
		 describe(e),
		 a->committed ? " (this process stays confined; the guardian "
				"takes the rest down)"
			      : "");
}

static void copy_reply(const struct bvp_reply *r, struct bvp_answer *a)
{
	a->verdict = (enum bvp_verdict)r->verdict;
	snprintf(a->session, sizeof(a->session), "%s", r->session);
	snprintf(a->plan, sizeof(a->plan), "%s", r->plan);
	snprintf(a->log_text, sizeof(a->log_text), "%s", r->log_text);
	snprintf(a->user_text, sizeof(a->user_text), "%s", r->user_text);
}

static int send_request(int sock, uint16_t type, const struct bvp_request *req)
{
	unsigned char *buf = malloc(BVP_WIRE_MAX);
	size_t len;
	int e;

	if (buf == NULL)
		return ENOMEM;
	len = bvp_encode_request(type, req, buf, BVP_WIRE_MAX);
	e = len == 0 ? EMSGSIZE : bvp_message_send(sock, buf, len, -1);
	free(buf);
	return e;
}

/* Descriptors ride in the order of their flags; what is missing or too much
 * is a broken message. */
static int assign_fds(const struct bvp_reply *reply,
		      const struct bvp_message *m, struct bvp_commit *c)
{
	int *const places[] = { &c->netns, &c->mntns, &c->ruleset };
	static const uint32_t bits[] = { BVP_FD_NETNS, BVP_FD_MNTNS,
					 BVP_FD_RULESET };
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		*places[i] = -1;
		if ((reply->flags & bits[i]) == 0)
			continue;
		if (n >= m->fds_n)
			return EPROTO;
		*places[i] = m->fds[n++];
	}
	/* a gate is a filter and nothing else */
	if ((reply->flags & BVP_FLAG_CHILD) != 0)
		return m->fds_n == 0 ? 0 : EPROTO;
	return n == m->fds_n && c->ruleset >= 0 ? 0 : EPROTO;
}

static int send_committed(int sock, uint32_t flags, int listener)
{
	unsigned char buf[sizeof(struct bvp_header)];
	const size_t len =
		bvp_encode_plain(BVP_MSG_COMMITTED, flags, buf, sizeof(buf));

	return bvp_message_send(sock, buf, len, listener);
}

/* VERDICT ADMITTED is in m: commit, tell, hear ATTESTED (m is used again). */
static void commit(struct bvp_message *m, const struct bvp_reply *reply,
		   struct bvp_answer *a)
{
	struct bvp_commit c = { .reply = reply };
	struct bvp_header head;
	const char *what = "verdict";
	uint32_t flags = 0;
	int listener = -1;
	int e = assign_fds(reply, m, &c);

	if (e == 0)
		e = bvp_commit_possible(&what);
	if (e == 0) {
		a->gated = (reply->flags & BVP_FLAG_CHILD) != 0;
		a->committed = !a->gated; /* in part at least */
		e = bvp_commit(&c, &listener, &flags, &what);
	}
	bvp_message_close(m);
	if (e == 0) {
		what = "telling the guardian of the commit";
		e = send_committed(a->guardian.sock, flags, listener);
	}
	if (listener >= 0)
		close(listener);
	if (e == 0) {
		what = "attestation by the guardian";
		e = bvp_message_receive(a->guardian.sock, a->deadline_ms, m);
	}
	if (e != 0) {
		fault(a, what, e);
		return;
	}
	if (bvp_decode_header(m->bytes, m->len, &head) == 0 &&
	    head.type == BVP_MSG_ATTESTED)
		return;
	/* a second VERDICT carries the guardian's reason */
	struct bvp_reply second;

	if (bvp_decode_reply(m->bytes, m->len, &second) == 0 &&
	    (second.verdict == BVP_REFUSED || second.verdict == BVP_FAULT))
		copy_reply(&second, a);
	else
		fault(a, what, EPROTO);
	bvp_message_close(m);
}

/* Request and VERDICT. On success m holds the packet *ret points into. */
static int ask(int sock, uint16_t type, const struct bvp_request *req,
	       struct bvp_message *m, struct bvp_reply *ret, const char **what)
{
	int e;

	*what = "sending the request";
	e = send_request(sock, type, req);
	if (e != 0)
		return e;
	*what = "verdict of the guardian";
	e = bvp_message_receive(sock, bvp_deadline_ms(req->flags), m);
	if (e == 0 && bvp_decode_reply(m->bytes, m->len, ret) != 0) {
		bvp_message_close(m);
		e = EPROTO;
	}
	return e;
}

static void exchange(uint16_t type, const struct bvp_request *req,
		     struct bvp_message *m, struct bvp_answer *a)
{
	struct bvp_reply reply;
	const char *what = "";
	int e = bvp_spawn(&a->guardian, a->deadline_ms, &what);

	if (e == 0)
		e = ask(a->guardian.sock, type, req, m, &reply, &what);
	if (e != 0) {
		fault(a, what, e);
		return;
	}
	copy_reply(&reply, a);
	if (type == BVP_MSG_OPEN && a->verdict == BVP_ADMITTED)
		commit(m, &reply, a);
	else
		bvp_message_close(m);
}

static void init_answer(struct bvp_answer *a, int deadline_ms)
{
	memset(a, 0, sizeof(*a));
	a->deadline_ms = deadline_ms;
	a->guardian.sock = -1;
	a->guardian.pidfd = -1;
}

void bvp_ask_again(int sock, uint16_t type, const struct bvp_request *req,
		   struct bvp_answer *ret)
{
	struct bvp_message *m = malloc(sizeof(*m));
	struct bvp_reply reply;
	const char *what = "memory";
	int e = ENOMEM;

	init_answer(ret, bvp_deadline_ms(req->flags));
	if (m != NULL)
		e = ask(sock, type, req, m, &reply, &what);
	if (e == 0) {
		copy_reply(&reply, ret);
		bvp_message_close(m);
		if (ret->verdict == BVP_ADMITTED)
			e = EPROTO; /* nobody can be confined anew */
	}
	if (e != 0)
		fault(ret, what, e);
	free(m);
}

void bvp_ask_here(int sock, int deadline_ms, struct bvp_answer *ret)
{
	unsigned char buf[sizeof(struct bvp_header)];
	const size_t len = bvp_encode_plain(BVP_MSG_HERE, 0, buf, sizeof(buf));
	struct bvp_message *m = malloc(sizeof(*m)); /* too big for a stack */
	struct bvp_reply reply;
	const char *what = "memory";
	int e = ENOMEM;

	init_answer(ret, deadline_ms);
	ret->guardian.sock = sock;
	if (m != NULL) {
		what = "verdict for the child of the leader";
		e = bvp_message_send(sock, buf, len, -1);
	}
	if (e == 0)
		e = bvp_message_receive(sock, deadline_ms, m);
	if (e == 0 && bvp_decode_reply(m->bytes, m->len, &reply) != 0) {
		bvp_message_close(m);
		e = EPROTO;
	}
	if (e != 0) {
		fault(ret, what, e);
	} else {
		copy_reply(&reply, ret);
		if (ret->verdict == BVP_ADMITTED)
			commit(m, &reply, ret);
		else
			bvp_message_close(m);
		/* a gate within the gate: nobody would be confined */
		if (ret->gated)
			fault(ret, what, EPROTO);
	}
	free(m);
}

void bvp_ask(uint16_t type, const struct bvp_request *req,
	     struct bvp_answer *ret)
{
	struct bvp_message *m = malloc(sizeof(*m)); /* too big for a stack */

	init_answer(ret, bvp_deadline_ms(req->flags));
	if (m == NULL)
		fault(ret, "memory", ENOMEM);
	else
		exchange(type, req, m, ret);
	free(m);
	if (type == BVP_MSG_OPEN && ret->verdict == BVP_ADMITTED) {
		/* its pid is the kernel's from here on: it watches us */
		close(ret->guardian.pidfd);
		ret->guardian.pidfd = -1;
		return;
	}
	if (ret->verdict == BVP_FAULT && (!ret->committed || ret->hung)) {
		/* hung or broken: it may not come back to life later. What
		 * it had prepared goes with the next sweep. */
		bvp_guardian_kill(&ret->guardian);
		return;
	}
	if (ret->guardian.sock >= 0)
		close(ret->guardian.sock);
	if (ret->guardian.pidfd >= 0)
		close(ret->guardian.pidfd);
	ret->guardian.sock = ret->guardian.pidfd = -1;
}

int bvp_close_session(int sock, const char **ret_why)
{
	unsigned char buf[sizeof(struct bvp_header)];
	const size_t len = bvp_encode_plain(BVP_MSG_CLOSE, 0, buf, sizeof(buf));
	struct bvp_message *m = malloc(sizeof(*m));
	struct bvp_header head;
	int e = m == NULL ? ENOMEM : bvp_message_send(sock, buf, len, -1);

	if (e == 0)
		e = bvp_message_receive(sock, CLOSE_DEADLINE_MS, m);
	if (e == 0) {
		if (bvp_decode_header(m->bytes, m->len, &head) != 0 ||
		    head.type != BVP_MSG_CLOSED)
			e = EPROTO;
		bvp_message_close(m);
	}
	free(m);
	close(sock);
	*ret_why = describe(e);
	return e;
}
