/* SPDX-License-Identifier: MIT */
/*
 * A policy file as read: whom it matches and the boundary it asks for. Pure
 * text in, struct out; nothing here is resolved against a user or a machine
 * (see match.h and spec.h). Grammar: bvisor-policy(5).
 */
#ifndef BV_CORE_POLICY_H
#define BV_CORE_POLICY_H

#include "core/arena.h"
#include "core/err.h"
#include "core/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BV_CONF_FILE_MAX   (256u * 1024u) /* bytes of one file */
#define BV_CONF_LINE_MAX   1024u          /* bytes of one line */
#define BV_POLICY_LIST_MAX 128u           /* values of one list key */
#define BV_POLICY_MAX      256u           /* policy files */
#define BV_POLICY_NAME_MAX 64u

enum bv_action {
	BV_ACTION_CONFINE,
	BV_ACTION_REFUSE,
	BV_ACTION_EXEMPT,
};

enum bv_workload {
	BV_WORKLOAD_PROCESS,
	BV_WORKLOAD_WASM,
};

/* Of what a wasm session runs: a process for each command, or one for all. */
enum bv_isolation {
	BV_ISOLATION_PROCESS,
	BV_ISOLATION_INLINE,
	BV_ISOLATION_N
};

enum bv_base {
	BV_BASE_SYSTEM, /* programs, libraries, /etc, /proc: an ordinary shell */
	BV_BASE_MINIMAL, /* what a login and a dynamic program need to start */
	BV_BASE_NONE,    /* only the session plumbing */
};

enum bv_network {
	BV_NETWORK_DENY,
	BV_NETWORK_LIST,
	BV_NETWORK_OPEN,
};

enum bv_spawn {
	BV_SPAWN_DESCENDANTS,
	BV_SPAWN_THREADS,
	BV_SPAWN_NONE,
};

enum bv_fds {
	BV_FDS_UNSTATED,
	BV_FDS_NONE,
	BV_FDS_ONLY,
};

/* Filesystem rights of one rule; hide removes the path from the view. */
#define BV_FS_READ  0x1u
#define BV_FS_WRITE 0x2u /* includes create, remove, rename, truncate */
#define BV_FS_EXEC  0x4u
#define BV_FS_HIDE  0x8u

#define BV_FS_SETS_N 16u /* sets of these */

/* One value of a list key; line is where it stands, for messages. */
struct bv_value {
	const char *text;
	unsigned int line;
	bool negated; /* "!text", only in [match] */
};

struct bv_list {
	const struct bv_value *v;
	size_t n;
};

struct bv_match {
	struct bv_list user;    /* names, or "*" */
	struct bv_list group;   /* names */
	struct bv_list service; /* PAM service names */
	struct bv_list tty;     /* PAM_TTY, "/dev/" stripped */
	struct bv_list rhost;   /* host name, address, CIDR; "-" means local */
};

struct bv_fs_rule {
	const char *path; /* as written: may hold ~ %u %U %h */
	uint32_t rights;  /* BV_FS_* */
	unsigned int line;
	bool optional; /* "-/path": absent is fine */
};

#define BV_EXPOSE_MAX 32u /* paths of one policy */

/* A tree of the host shown at dest; nosuid, nodev, and read-only unless
 * write. */
struct bv_expose_rule {
	const char *source; /* as in bv_fs_rule; so is dest */
	const char *dest;
	unsigned int line;
	bool write;
	bool optional; /* "-/path": an absent source is fine */
};

/* What becomes of an outbox at the close. */
enum bv_commit {
	BV_COMMIT_DISCARD,
	BV_COMMIT_ATOMIC,
	BV_COMMIT_DURABLE,
	BV_COMMIT_BEST_EFFORT,
	BV_COMMIT_N
};

#define BV_OUTBOX_FILES_MAX 256u
#define BV_OUTBOX_DEPTH_MAX 8u

struct bv_outbox {
	unsigned int line; /* of the section; 0: there is none */
	const char *path;  /* in the session, below a private directory */
	unsigned int path_line;
	enum bv_commit commit;
	unsigned int commit_line;
	const char *to; /* on the host; NULL with DISCARD */
	unsigned int to_line;
	bool owner_user;    /* promoted files are the user's, not root's */
	uint32_t mode;      /* of promoted files; default 0600 */
	uint32_t files_max; /* default 64 */
	uint32_t depth_max; /* directories below path; default 4 */
};

struct bv_net_rule {
	const char *host;  /* name, address or CIDR; "*" any */
	const char *proto; /* "tcp" or "udp" */
	uint16_t port;     /* 0 any */
	unsigned int line;
};

struct bv_env_rule {
	const char *name;
	const char *value; /* literal or lease reference */
	bool is_lease;
	unsigned int line;
};

struct bv_budget_request {
	bool stated;
	uint64_t limit;                /* unit of the dimension */
	enum bv_enforcement guarantee; /* MEDIATED or ENFORCED */
	uint32_t evidence;             /* BV_EV_BIT set */
	unsigned int line;
};

struct bv_policy {
	const char *name; /* file name without ".conf" */
	const char *path; /* for messages */
	const char *description;
	enum bv_action action;
	uint32_t priority; /* 0..1000, higher first; default 100 */
	struct bv_match match;
	enum bv_workload workload;
	enum bv_isolation isolation; /* of wasm; unless stated, by spawn */
	unsigned int isolation_line; /* 0: not stated */
	enum bv_base base;
	unsigned int base_line;
	const struct bv_fs_rule *fs;
	size_t fs_n;
	enum bv_network network;
	unsigned int network_line;
	const struct bv_net_rule *net;
	size_t net_n;
	enum bv_spawn spawn;
	unsigned int spawn_line;
	bool temp_private;
	unsigned int temp_line;
	struct bv_budget_request budget[BV_DIM_N];
	/* Over all sessions of the user; 0: none. Stated only beside the
	 * budget of the session, so that what keeps that one keeps these. */
	uint64_t user_processes, user_mem_bytes;
	unsigned int user_processes_line, user_memory_line;
	/* Of one processor; 0: none. Stated only beside the cpu budget. */
	unsigned int cpu_rate_percent, cpu_rate_line;
	bool env_exact;
	unsigned int env_line;
	const struct bv_env_rule *env;
	size_t env_n;
	enum bv_fds fds;
	const uint32_t *fds_keep;
	size_t fds_keep_n;
	unsigned int fds_line;
	uint32_t evidence; /* BV_EV_BIT set demanded of the whole */
	unsigned int evidence_line;
	struct bv_kind_evidence { /* demanded of every requirement of a kind */
		uint32_t claims;
		unsigned int line;
	} of_kind[BV_KIND_N];
	bool capture_streams; /* [session] capture, not no */
	bool capture_input;   /* capture = all */
	bool capture_goes_on; /* capture_full = go-on */
	unsigned int capture_line;
	uint64_t capture_max; /* bytes of the session's recordings */
	bool no_new_privs;    /* [session] no_new_privs, default yes */
	const char *shell;    /* [session] shell, absolute; NULL: bash or sh */
	const struct bv_expose_rule *expose;
	size_t expose_n;
	struct bv_outbox outbox;
	char sha256_hex[65]; /* of the file's bytes */

	/* A file that does not parse is kept: it refuses whom it could match.
	 * broken: error says why (with file:line). match_known: [policy] and
	 * [match] were read whole and may be used to tell whom; otherwise it
	 * could match anybody but uid 0, before any other policy. */
	bool broken;
	bool match_known;
	struct bv_err error;
};

/* /etc/bvisor/bvisor.conf */
struct bv_config {
	bool unmatched_refuse;    /* unmatched = allow | refuse */
	const char *cgroup_base;  /* absolute path or NULL = find */
	const char *state_dir;    /* default /var/lib/bvisor */
	const char *run_dir;      /* default /run/bvisor */
	const char *user_message; /* what a refused user reads; has a default */
	bool unmatched_stated;
	uint64_t journal_age_us; /* rows are kept so long; 0 for ever */
	uint64_t journal_bytes;  /* the journal's size; 0 without limit */
	/* qualification = static | local: enforce what the ledger says is
	 * proved, or only what this machine itself has proved as well. */
	bool qualification_local;
	const char *syslog_socket; /* gets RFC 5424 messages; NULL: none does */
};

/* Parse one policy file's bytes. path is used in messages, name must be a
 * valid policy name ([A-Za-z0-9._-], not starting with '.'). Always gives a
 * policy when it returns BV_OK — possibly a broken one; other returns mean no
 * memory. Everything lives in arena. */
int bv_policy_parse(struct bv_arena *arena, const char *name, const char *path,
		    const char *bytes, size_t len,
		    struct bv_policy *ret) BV_MUST_CHECK;

/* A policy standing for a file that could not be read or trusted at all. */
void bv_policy_init_broken(struct bv_policy *policy, const char *name,
			   const char *path, const struct bv_err *why);

/* Parse bvisor.conf; any fault is an error with file:line. len 0 and bytes
 * NULL give the defaults. */
int bv_config_parse(struct bv_arena *arena, const char *path, const char *bytes,
		    size_t len, struct bv_config *ret,
		    struct bv_err *err) BV_MUST_CHECK;

#define BV_CAPTURE_MAX (UINT64_C(256) << 20) /* unless stated */

const char *bv_action_name(enum bv_action a);
const char *bv_base_name(enum bv_base b);
const char *bv_fs_set_name(unsigned int set); /* "read write"; "none" */
const char *bv_network_name(enum bv_network n);
const char *bv_spawn_name(enum bv_spawn s);
const char *bv_workload_name(enum bv_workload w);
const char *bv_isolation_name(enum bv_isolation i);
const char *bv_isolation_text(const struct bv_policy *p); /* for people */
const char *bv_commit_name(enum bv_commit c); /* "durable" */

#endif
