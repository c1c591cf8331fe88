/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of bvisor-wasm, and store.c and whom.c by bvisorctl;
 * nobody else. The shell parses no module: a command's bytes are looked at by
 * that command's own process alone, after it has confined itself.
 */
#ifndef BV_WASM_SHELL_H
#define BV_WASM_SHELL_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/command.h"
#include "core/match.h"
#include "wasm/grant.h"
#include "wasm/line.h"
#include "wasm/totals.h"

/* Fixed: nobody but the administrator says where commands come from. */
#ifndef BV_WASM_STORE
#define BV_WASM_STORE "/usr/lib/bvisor/wasm"
#endif
#define BWS_CONFIG_DIR   "/etc/bvisor"
#define BWS_GRANTS       "wasm.d" /* below it */
#define BWS_SESSION_FILE "wasm.conf"
#define BWS_PATH_MAX     4096u

/* Exit statuses of their own meaning. */
#define BWS_USAGE     2
#define BWS_WALL      124
#define BWS_REFUSED   126 /* found, and not run */
#define BWS_NOT_FOUND 127
#define BWS_INTERRUPT 130
#define BWS_TRAP      134
#define BWS_SPENT     152 /* fuel or processor time */

/* --- whom.c: the user ------------------------------------------------------ */

/* Of the calling uid: from /etc/passwd alone, for no code of a name service is
 * loaded into this process; else HOME and USER, when HOME is the user's own. */
int bws_whom(const char *env_user, const char *env_home, struct bv_arena *arena,
	     struct bv_subject *ret, struct bv_err *err) BV_MUST_CHECK;

/* --- store.c: commands ----------------------------------------------------- */

/* The shell's own, which a command cannot be named as. */
#define BWS_BUILTINS(X)                                                        \
	X("help")                                                              \
	X("cd")                                                                \
	X("pwd")                                                               \
	X("exit")                                                              \
	X("type")                                                              \
	X("limits")                                                            \
	X("history")
bool bws_is_builtin(const char *name);

/* A directory of the user database without "//", "/." and a '/' at its end:
 * paths are compared as texts. NULL: no memory. */
const char *bws_home(struct bv_arena *arena, const char *text) BV_MUST_CHECK;

/* A directory that some command is given. */
struct bws_mount {
	const char *path;
	int fd;        /* O_PATH; -1: absent and optional */
	bool writable; /* to any command */
};

struct bws_dir {
	size_t mount;
	bool writable;
};

struct bws_entry {
	const char *name;
	const char *conf; /* the file, for messages */
	struct bw_grant grant;
	struct bws_dir dir[BW_GRANT_DIRS_MAX];
	size_t dirs;
	bool broken; /* why says with file:line; the command is refused */
	struct bv_err why;
};

#define BWS_MOUNTS_MAX 128u

struct bws_store {
	struct bv_arena arena;
	int modules_fd;          /* -1: the store is not there */
	struct bws_entry *entry; /* by name */
	size_t n;
	struct bws_mount mount[BWS_MOUNTS_MAX];
	size_t mounts;
	struct bw_session_grant session;
};

void bws_store_init(struct bws_store *store);
void bws_store_done(struct bws_store *store);

/* Every grant, and with a subject the directories they name. A faulty file of
 * a command breaks that command; a faulty directory or wasm.conf is an error. */
int bws_store_load(struct bws_store *store, const struct bv_subject *subject,
		   struct bv_err *err) BV_MUST_CHECK;

const struct bws_entry *bws_store_find(const struct bws_store *store,
				       const char *name); /* or NULL */

/* The module's file: root's alone, regular, one link, no larger than granted.
 * Nothing of it is read. */
int bws_module_open(const struct bws_store *store,
		    const struct bws_entry *entry, int *ret_fd,
		    struct bv_err *err) BV_MUST_CHECK;

/* The bytes, malloc'ed, when their digest is the granted one. */
int bws_module_read(int fd, const struct bws_entry *entry, void **ret,
		    size_t *ret_len, struct bv_err *err) BV_MUST_CHECK;

/* Where path (absolute, plain) lies: the deepest of the entry's directories
 * above it, and the rest below that ("." for itself). NULL: in none. */
const struct bws_dir *bws_entry_dir(const struct bws_store *store,
				    const struct bws_entry *entry,
				    const char *path, const char **ret_rest);

/* --- filter.c, confine.c: two layers each ---------------------------------- */

#define BWS_BPF_MAX 1024u

struct bws_bpf {
	struct sock_filter insn[BWS_BPF_MAX];
	size_t n;
};

/* For the shell (a deny list), for a command (an allow list; all else kills) and
 * for a shell that is both (an allow list; all else is not permitted). */
int bws_filter_shell(struct bws_bpf *ret, struct bv_err *err) BV_MUST_CHECK;
int bws_filter_inline(struct bws_bpf *ret, struct bv_err *err) BV_MUST_CHECK;
int bws_filter_command(struct bws_bpf *ret, struct bv_err *err) BV_MUST_CHECK;

/* Irrevocably, for this process and its children: reads the store, and what
 * any command may; starts no program. */
int bws_confine_shell(const struct bws_store *store, const struct bws_bpf *bpf,
		      struct bv_err *err) BV_MUST_CHECK;

/* In a command's process, or (the second alone) on top of a shell that runs its
 * commands itself, in this order: what it may open, then what it may
 * call. Between the two it opens its redirections. */
int bws_confine_files(const struct bws_store *store,
		      const struct bws_entry *entry,
		      struct bv_err *err) BV_MUST_CHECK;
int bws_confine_calls(const struct bws_bpf *bpf,
		      struct bv_err *err) BV_MUST_CHECK;

/* --- command.c: one command's process -------------------------------------- */

/* Written by the command's process into memory it shares with the shell: its
 * own statement, and treated as such. */
enum bws_phase {
	BWS_BEGUN,
	BWS_DECLINED, /* not run: text says why */
	BWS_ENDED,    /* the counts are there */
	BWS_STOPPED,  /* ended by a limit or a trap: text says which */
};

struct bws_report {
	uint32_t phase;
	uint32_t status; /* to exit with */
	uint64_t fuel;
	uint64_t output_bytes;
	uint64_t storage_bytes;
	uint32_t peak_pages;
	uint32_t cpu_spent; /* of BWS_SPENT: not fuel */
	char text[512];
};

struct bws_file {                  /* a redirection */
	const struct bws_dir *dir; /* NULL: none */
	const char *rest;
	const char *shown;
	bool write, append;
};

struct bws_command {
	const struct bws_entry *entry;
	const char *const *argv;
	int module_fd;
	int guardian_fd; /* the shell's: not to be kept */
	int stream[2];   /* stdin, stdout: pipes of the pipeline, or -1 */
	struct bws_file in, out;
	struct bw_amounts share;
	const char *cwd;
	volatile struct bws_report *report;
	pid_t parent;
};

/* What the new process does; never returns. */
void bws_command_child(const struct bws_store *store, const struct bws_bpf *bpf,
		       const struct bws_command *c) __attribute__((noreturn));

/* --- the shell ------------------------------------------------------------- */

struct bws_edit;

struct bws {
	struct bws_store store;
	struct bv_subject who;
	struct bw_totals totals;
	struct bws_bpf command_bpf;
	bool inlined;           /* commands run in this process */
	int guardian_fd;        /* -1: there is none, or it hears no more */
	uint64_t told;          /* records sent, or tried */
	char cwd[BWS_PATH_MAX]; /* absolute, plain */
	int status;             /* $? */
	bool interactive;
	bool leave;            /* exit was said */
	int signal_fd;         /* INT, TERM, HUP */
	int ended_by;          /* TERM or HUP, INT between lines; 0 */
	bool interrupted;      /* the line is not gone on with */
	struct bws_edit *edit; /* NULL: not interactive */
};

/* "bvisor-wasm: TEXT" on stderr; what is not printable becomes \xNN. */
void bws_say(const char *fmt, ...) BV_PRINTF(1, 2);

/* jobs.c: run a pipeline of commands of the store; its status. */
int bws_run_pipeline(struct bws *s, const struct bw_pipeline *p,
		     struct bv_arena *arena);
/* record.c: what one command did, to syslog. */
void bws_record(const struct bws_entry *entry, int status,
		const struct bws_report *r, bool told, uint64_t cpu_us,
		uint64_t wall_us);
void bws_record_refusal(const char *name); /* of a transfer */
void bws_record_open(void);

/* guardian.c: before anything of the user's is looked at: in a session its
 * guardian says how commands are isolated, outside of one s->inlined stays. */
int bws_guardian_ask(struct bws *s, struct bv_err *err) BV_MUST_CHECK;
/* What one command did, to whoever writes the session's report. */
void bws_guardian_tell(struct bws *s, const struct bws_entry *entry, int status,
		       enum bv_command_verdict verdict,
		       const struct bws_report *counts, /* NULL: unknown */
		       uint64_t cpu_us, uint64_t wall_us);

/* interpret.c: a whole line; sets and returns s->status. */
int bws_line(struct bws *s, const char *text, size_t len);
int bws_expand(struct bws *s, const struct bw_word *word,
	       struct bv_arena *arena, const char **ret,
	       struct bv_err *err) BV_MUST_CHECK;
/* NULL-terminated. */
int bws_arguments(struct bws *s, const struct bw_simple *c,
		  struct bv_arena *arena, const char *const **ret,
		  struct bv_err *err) BV_MUST_CHECK;
/* Make path plain against s->cwd; false: too long. */
bool bws_path(const struct bws *s, const char *path, char ret[BWS_PATH_MAX]);

/* builtin.c: true when argv[0] is one of the shell's own. */
bool bws_builtin(struct bws *s, const char *const *argv, size_t argc,
		 int *ret_status);

/* edit.c: lines from a terminal, with history. */
int bws_edit_new(struct bws *s, const char *term, struct bws_edit **ret,
		 struct bv_err *err) BV_MUST_CHECK;
void bws_edit_free(struct bws_edit *e);
/* The next line without its newline, borrowed; NULL: the end. "" after an
 * interrupt. */
const char *bws_edit_line(struct bws *s, size_t *ret_len);
void bws_edit_history(struct bws_edit *e);

#endif
