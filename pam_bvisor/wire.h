/* SPDX-License-Identifier: MIT */
/*
 * What the module and the guardian say to each other over one SOCK_SEQPACKET
 * pair. One message, one packet: a fixed header, then for some a body. Numbers
 * are little-endian. Either side treats anything malformed as the end.
 *
 *   module                              guardian
 *   (intermediate child) CHILD +pidfd →            module learns whom to kill
 *   OPEN / ADMIT request          →
 *                                 ←  VERDICT (+ fds, BPF bytes when ADMITTED)
 *   COMMITTED (+ notify fd)       →
 *                                 ←  ATTESTED, or VERDICT REFUSED, FAULT
 *   … the session …
 *   OPEN / ADMIT, once more       →
 *                                 ←  VERDICT, any but ADMITTED
 *   CLOSE                         →
 *                                 ←  CLOSED
 *
 * With commit=child the first VERDICT ADMITTED carries BVP_FLAG_CHILD and the
 * gate's filter alone, COMMITTED its listener; after ATTESTED the leader's child
 * sends HERE and has the exchange from VERDICT to ATTESTED for itself.
 *
 * Every message of the module is checked by SCM_CREDENTIALS: only the leader's
 * own pid is heard (a forked child holds a copy of the descriptor), and for HERE
 * a child of the leader that is root still.
 */
#ifndef BVP_WIRE_H
#define BVP_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define BVP_WIRE_MAGIC     0x31565642u /* "BVV1" */
#define BVP_WIRE_VERSION   1u
#define BVP_WIRE_MAX       (60u * 1024u) /* bytes of one packet */
#define BVP_TEXT_MAX       512u          /* bytes of one log or user text */
#define BVP_STR_MAX        1024u         /* bytes of one request string */
#define BVP_FD_MAX         4u
#define BVP_DEADLINE_MS    2000 /* each step of the guardian, unless asked for */
#define BVP_DEADLINE_MAX_S 60u
#define BVP_CONTROL_FD     3 /* the guardian's end after exec */

enum bvp_msg {
	BVP_MSG_CHILD = 1, /* the intermediate child: carries a pidfd */
	BVP_MSG_ADMIT,     /* request: steps 1-4 only, no effect */
	BVP_MSG_OPEN,      /* request: all of it */
	BVP_MSG_VERDICT,
	BVP_MSG_COMMITTED,
	BVP_MSG_ATTESTED,
	BVP_MSG_CLOSE,
	BVP_MSG_CLOSED,
	BVP_MSG_HERE, /* the leader's child: confine me */
	BVP_MSG_END
};

enum bvp_verdict {
	BVP_ADMITTED = 1, /* ADMIT: would be; OPEN: commit now */
	BVP_UNCONFINED, /* no boundary for this one: exempt, root, unmatched */
	BVP_JOINED,     /* already inside a boundary of the same plan */
	BVP_REFUSED,    /* by the contract */
	BVP_FAULT,      /* something broke: refuse as well */
};

/* Which descriptors ride on a VERDICT, in this order. */
#define BVP_FD_NETNS   0x1u
#define BVP_FD_MNTNS   0x2u
#define BVP_FD_RULESET 0x4u
/* COMMITTED: a seccomp listener. VERDICT flag: install with a listener. */
#define BVP_FLAG_LISTENER     0x8u
#define BVP_FLAG_NNP          0x10u /* set no_new_privs */
#define BVP_FLAG_QUIET        0x20u
#define BVP_FLAG_DEBUG        0x40u
#define BVP_FLAG_FORCECOMMAND 0x80u  /* exec_boundary=forcecommand */
#define BVP_FLAG_TRIAL_DENIED 0x100u /* COMMITTED: the trial open failed */
#define BVP_FLAG_CHILD        0x200u /* commit=child: asked for; granted */
#define BVP_FLAG_LOG_EXEC     0x400u /* VERDICT: landlock tells of programs too */
/* Request: the top byte is the deadline of each step in seconds, 0: as above. */
#define BVP_DEADLINE_SHIFT 24u

struct bvp_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* enum bvp_msg */
	uint32_t flags;
	uint32_t body_len; /* bytes after the header: must fit exactly */
};

/* OPEN, ADMIT. Strings are NUL-terminated in the body, in this order. */
struct bvp_request {
	uint32_t flags; /* BVP_FLAG_QUIET | DEBUG | FORCECOMMAND | CHILD, and
			 * seconds << BVP_DEADLINE_SHIFT */
	const char *user;
	const char *service;
	const char *tty;
	const char *rhost;
	const char *ruser;
};

/* VERDICT. text pointers point into the decoded packet. */
struct bvp_reply {
	uint32_t flags;        /* BVP_FD_* | BVP_FLAG_LISTENER | BVP_FLAG_NNP */
	uint32_t verdict;      /* enum bvp_verdict */
	const char *session;   /* hex id, "" before one exists */
	const char *plan;      /* hex id, "" without */
	const char *log_text;  /* for syslog: all of it */
	const char *user_text; /* for the user: one neutral line, or "" */
	const char *trial; /* a file no rule grants: opening it must fail with
			      EACCES after the commit; "" when all is granted */
	const void *bpf;   /* struct sock_filter[], unaligned */
	uint32_t bpf_len;  /* instructions */
};

/* Encoders write header + body into buf (BVP_WIRE_MAX big at most) and return
 * the packet's length, or 0 when it does not fit or a string is too long.
 * NULL strings count as "". */
size_t bvp_encode_request(uint16_t type, const struct bvp_request *req,
			  void *buf, size_t buf_len);
size_t bvp_encode_reply(const struct bvp_reply *reply, void *buf,
			size_t buf_len);
size_t bvp_encode_plain(uint16_t type, uint32_t flags, void *buf,
			size_t buf_len); /* no body */

/* Decoders return 0, or -1 for anything that is not exactly one well-formed
 * message of that type. Strings are borrowed from buf. */
int bvp_decode_header(const void *buf, size_t len, struct bvp_header *ret);
int bvp_decode_request(const void *buf, size_t len, uint16_t *ret_type,
		       struct bvp_request *ret);
int bvp_decode_reply(const void *buf, size_t len, struct bvp_reply *ret);

/* The deadline of each step in milliseconds, by a request's flags. */
int bvp_deadline_ms(uint32_t flags);

#endif
