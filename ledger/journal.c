/* SPDX-License-Identifier: MIT */
/*
 * Opening and making the journal. A new database is made under a name of its
 * own and linked into place whole, so that nobody ever meets half of one, and
 * two who make it at once get the same. One that was there and is gone is not
 * made anew: that would hide the loss.
 */
#include "ledger/journal.h"

#include "ledger/journal_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* A good quarter more than is let grow before it is written back. */
#define LOG_BYTES (BVL_LOG_PAGES_MAX * 5120u)

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

void bvl_sql_begin_call(struct bvl_journal *j)
{
	j->deadline_ms = now_ms() + j->wait_ms;
}

/* Another writer holds the lock for a fraction of a millisecond: naps of uneven
 * length that grow, so that many who wait neither wake together nor keep the one
 * who writes from running. */
static int on_busy(void *arg, int count)
{
	struct bvl_journal *j = arg;
	const unsigned int longest = 400u << (count < 4 ? count : 4);

	if (now_ms() >= j->deadline_ms)
		return 0;
	usleep(100 +
	       (unsigned int)(getpid() * 71 + (int)j->naps++ * 131) % longest);
	return 1;
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct bvl_journal *j = arg;

	(void)db;
	(void)name;
	j->wal_pages = pages;
	return SQLITE_OK;
}

/* --- errors ----------------------------------------------------------------- */

static const struct {
	int rc;
	int code;
	const char *what;
} causes[] = {
	{ SQLITE_FULL, BV_E_SYS, "the disk is full: make room" },
	{ SQLITE_CORRUPT, BV_E_PROTO, "it is damaged: " BVL_REMEDY },
	{ SQLITE_NOTADB, BV_E_PROTO, "it is no database: " BVL_REMEDY },
	/* No table or column of that name: our own words are the same always. */
	{ SQLITE_ERROR, BV_E_PROTO, "it is not made as ours is: " BVL_REMEDY },
	{ SQLITE_READONLY, BV_E_SYS, "it cannot be written" },
	{ SQLITE_CANTOPEN, BV_E_SYS, "it cannot be opened" },
	{ SQLITE_PERM, BV_E_SYS, "it may not be opened" },
	{ SQLITE_NOMEM, BV_E_NOMEM, "no memory" },
	{ SQLITE_CONSTRAINT, BV_E_PROTO,
	  "the append was refused: " BVL_REMEDY },
};

int bvl_sql_fail(const struct bvl_journal *j, int rc, const char *what,
		 struct bv_err *err)
{
	const int sys = j->db == NULL ? 0 : sqlite3_system_errno(j->db);
	const char *said =
		j->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(j->db);

	if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		return bv_fail(err, BV_E_TIMEOUT,
			       "the journal '%s': %s: others hold it for over "
			       "%u ms",
			       j->path, what, j->wait_ms);
	for (size_t i = 0; i < BV_LEN(causes); i++) {
		if ((rc & 0xff) == causes[i].rc)
			return bv_fail(err, causes[i].code,
				       "the journal '%s': %s: %s (%s)", j->path,
				       what, causes[i].what, said);
	}
	if (sys != 0)
		return bv_fail_errno(err, sys, "the journal '%s': %s: %s",
				     j->path, what, said);
	return bv_fail(err, BV_E_SYS, "the journal '%s': %s: %s", j->path, what,
		       said);
}

int bvl_sql_run(struct bvl_journal *j, const char *sql, struct bv_err *err)
{
	const int rc = sqlite3_exec(j->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? BV_OK : bvl_sql_fail(j, rc, sql, err);
}

int bvl_sql_prepare(struct bvl_journal *j, const char *sql, sqlite3_stmt **ret,
		    struct bv_err *err)
{
	const int rc = sqlite3_prepare_v2(j->db, sql, -1, ret, NULL);

	return rc == SQLITE_OK ? BV_OK : bvl_sql_fail(j, rc, "read", err);
}

int bvl_sql_number(struct bvl_journal *j, const char *sql, int64_t *ret,
		   struct bv_err *err)
{
	bvl_auto_stmt sqlite3_stmt *s = NULL;
	int code = bvl_sql_prepare(j, sql, &s, err);
	int rc;

	if (code != BV_OK)
		return code;
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return bvl_sql_fail(j, rc, "read", err);
	*ret = sqlite3_column_int64(s, 0);
	return BV_OK;
}

/* --- the connection --------------------------------------------------------- */

/* O_PATH: closing it drops no lock of another connection of this process. */
int bvl_check_file(const char *path, struct bv_err *err)
{
	bvl_auto_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return bv_fail_errno(err, errno, "the journal '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bv_fail(err, BV_E_CONF,
			       "the journal '%s' is no regular file", path);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return bv_fail(
			err, BV_E_CONF,
			"the journal '%s' belongs to uid %u and has mode "
			"%04o: it must be ours alone (0600)",
			path, (unsigned int)st.st_uid,
			(unsigned int)(st.st_mode & 07777));
	return BV_OK;
}

/* synchronous = FULL is NORMAL and one sync of the log within each commit, under
 * the write lock. We sync the log right behind the commit instead
 * (bvl_journal_append_all()), which promises the same to who appends, but lets
 * the syncs of many become one. Checkpoints of the log are ours to time, see
 * bvl_journal_tend(). */
static int configure(struct bvl_journal *j, struct bv_err *err)
{
	sqlite3_busy_handler(j->db, on_busy, j);
	sqlite3_wal_hook(j->db, on_commit, j);
	(void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	return bvl_sql_run(j,
			   "PRAGMA synchronous = NORMAL; "
			   "PRAGMA cell_size_check = ON; "
			   "PRAGMA mmap_size = 0; "
			   "PRAGMA temp_store = MEMORY",
			   err);
}

/* With each connection's first sync of the write-ahead log SQLite syncs the
 * directory too, in case the log is new. Ours never is: it was made, and its
 * directory synced, before SQLite was told of it. That leaves one sync a commit,
 * which is what a login waits for. */
static int no_directory(const char *path, int *ret_fd)
{
	(void)path;
	(void)ret_fd;
	return SQLITE_CANTOPEN; /* which SQLite takes for "none to sync" */
}

static int sync_dir_of(const char *path, struct bv_err *err)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	bvl_auto_close int fd = -1;

	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return bv_fail_errno(err, errno, "fsync of '%s'", dir);
	return BV_OK;
}

/* Zeros are no log, so SQLite begins at their start and writes over them: its
 * syncs need not wait for a file that grows, and the room is taken already when
 * the disk fills up later. */
static int fill_log(int fd)
{
	static const char zeros[16384];

	for (size_t at = 0; at < LOG_BYTES; at += sizeof(zeros)) {
		const ssize_t n = pwrite(fd, zeros, sizeof(zeros), (off_t)at);

		if (n >= 0 && n != (ssize_t)sizeof(zeros))
			errno = ENOSPC;
		if (n != (ssize_t)sizeof(zeros))
			return -1;
	}
	return fsync(fd);
}

static int make_log(const char *path, struct bv_err *err)
{
	char name[PATH_MAX + 8];
	bvl_auto_close int fd = -1;

	snprintf(name, sizeof(name), "%s-wal", path);
	if (access(name, F_OK) == 0)
		return BV_OK;
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0 && errno == EEXIST)
		return BV_OK;
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s'", name);
	if (fill_log(fd) != 0) {
		const int why = errno;

		(void)unlink(name);
		return bv_fail_errno(err, why, "the journal '%s': room for it",
				     path);
	}
	return sync_dir_of(path, err);
}

int bvl_connect(struct bvl_journal *j, bool write, struct bv_err *err)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	int code = write ? make_log(j->path, err) : BV_OK;
	const int flags =
		(write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
		SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
	int rc;

	if (code != BV_OK)
		return code;
	if (vfs != NULL && vfs->iVersion >= 3)
		(void)vfs->xSetSystemCall(vfs, "openDirectory",
					  (sqlite3_syscall_ptr)no_directory);
	rc = sqlite3_open_v2(j->path, &j->db, flags, NULL);
	if (rc != SQLITE_OK)
		return bvl_sql_fail(j, rc, "open", err);
	return configure(j, err);
}

static int check_version(struct bvl_journal *j, struct bv_err *err)
{
	int64_t id = 0;
	int64_t version = 0;
	int code = bvl_sql_number(j, "PRAGMA application_id", &id, err);

	if (code == BV_OK)
		code = bvl_sql_number(j, "PRAGMA user_version", &version, err);
	if (code != BV_OK)
		return code;
	if (id != BVL_APPLICATION_ID || version != BVL_SCHEMA_VERSION)
		return bv_fail(
			err, BV_E_PROTO,
			"the journal '%s' is none of version %d: " BVL_REMEDY,
			j->path, BVL_SCHEMA_VERSION);
	return BV_OK;
}

/* The file's own word, two bytes of its header: SQLite itself goes by the log
 * where there is one, whatever they say, and one is made before it is asked. */
int bvl_has_log(struct bvl_journal *j, bool *ret, struct bv_err *err)
{
	static const uint8_t wal[2] = { 2, 2 };
	uint8_t words[2] = { 0 };
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(j->db, "main", SQLITE_FCNTL_FILE_POINTER,
				      &file);

	if (rc == SQLITE_OK && (file == NULL || file->pMethods == NULL))
		rc = SQLITE_CANTOPEN;
	if (rc == SQLITE_OK)
		rc = file->pMethods->xRead(file, words, sizeof(words), 18);
	if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
		return bvl_sql_fail(j, rc, "read its header", err);
	*ret = memcmp(words, wal, sizeof(wal)) == 0;
	return BV_OK;
}

/* Without the write-ahead log the sync that an append promises is of nothing. Set
 * back by us, the hand would not be seen. */
static int check_log(struct bvl_journal *j, struct bv_err *err)
{
	bool has = false;
	int code = bvl_has_log(j, &has, err);

	if (code == BV_OK && !has)
		code = bv_fail(err, BV_E_PROTO,
			       "the journal '%s' was set to go on without its "
			       "write-ahead log: " BVL_REMEDY,
			       j->path);
	return code;
}

/* --- making one ------------------------------------------------------------- */

static int make_schema(struct bvl_journal *j, struct bv_err *err)
{
	char version[96];
	int64_t busy = 0;
	int code;

	snprintf(version, sizeof(version),
		 "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 BVL_APPLICATION_ID, BVL_SCHEMA_VERSION);
	code = bvl_sql_run(j,
			   "PRAGMA auto_vacuum = INCREMENTAL; "
			   "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE",
			   err);
	for (size_t i = 0; code == BV_OK && i < bvl_schema_n; i++)
		code = bvl_sql_run(j, bvl_schema[i].sql, err);
	if (code == BV_OK)
		code = bvl_sql_run(j, version, err);
	if (code == BV_OK)
		code = bvl_sql_run(j, "COMMIT", err);
	/* All of it into the one file that is linked. That it could not be locked is
	 * a row of the answer and no error. */
	if (code == BV_OK)
		code = bvl_sql_number(j, "PRAGMA wal_checkpoint(TRUNCATE)",
				      &busy, err);
	if (code == BV_OK && busy != 0)
		code = bv_fail_errno(
			err, EBUSY, "the journal '%s': write it back", j->path);
	return code;
}

static void remove_log(const char *path)
{
	static const char *const tails[] = { "-wal", "-shm" };
	char name[PATH_MAX + 8];

	for (size_t i = 0; i < BV_LEN(tails); i++) {
		snprintf(name, sizeof(name), "%s%s", path, tails[i]);
		(void)unlink(name);
	}
}

static void remove_new(const char *path)
{
	remove_log(path);
	(void)unlink(path);
}

static int make_at(const char *dir, const char *path, struct bv_err *err)
{
	struct bvl_journal j = { .head_fd = -1, .wait_ms = 0 };
	bvl_auto_close int fd = -1;
	int code;

	if (snprintf(j.path, sizeof(j.path), "%s/.journal.%d", dir,
		     (int)getpid()) >= (int)sizeof(j.path))
		return bv_fail(err, BV_E_LIMIT, "'%s': too long", dir);
	remove_new(j.path); /* of a process of this number that died */
	fd = open(j.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return bv_fail_errno(err, errno, "create '%s'", j.path);
	bvl_close(&fd);
	bvl_sql_begin_call(&j);
	code = bvl_connect(&j, true, err);
	if (code == BV_OK)
		code = make_schema(&j, err);
	sqlite3_close(j.db);
	/* A log without its database is of one that is gone. */
	if (code == BV_OK)
		remove_log(path);
	if (code == BV_OK)
		code = make_log(path, err);
	if (code == BV_OK && link(j.path, path) != 0)
		code = bv_fail_errno(err, errno, "make '%s'", path);
	remove_new(j.path);
	return code == BV_OK ? sync_dir_of(path, err) : code;
}

/* The head file's lock: one of those who find nothing makes it, the others
 * wait. */
static int lock_head(int fd, uint64_t deadline_ms, struct bv_err *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || now_ms() >= deadline_ms)
			return bv_fail_errno(err, errno,
					     "lock '" BVL_HEAD_FILE "'");
		usleep(1000);
	}
	return BV_OK;
}

/* Nothing there, and never was. */
static int make(const char *dir, const struct bvl_journal *j,
		struct bv_err *err)
{
	struct bvl_head head = { .seq = 0 };
	bvl_auto_close int fd = -1;
	int code = bvl_head_create(dir, err);

	if (code != BV_OK)
		return code;
	fd = bvl_head_open(dir, true);
	if (fd < 0)
		return bv_fail_errno(err, errno, "'%s/" BVL_HEAD_FILE "'", dir);
	code = lock_head(fd, j->deadline_ms, err);
	if (code != BV_OK || access(j->path, F_OK) == 0)
		return code;
	bvl_head_begin(fd);
	if (bvl_head_read(fd, &head) != BVL_HEAD_FINE || head.seq != 0)
		return bv_fail(err, BV_E_PROTO,
			       "the journal '%s' is gone, but '" BVL_HEAD_FILE
			       "' says that it had %llu rows: " BVL_REMEDY,
			       j->path, (unsigned long long)head.seq);
	return make_at(dir, j->path, err);
}

/* --- opening ---------------------------------------------------------------- */

static int open_in(struct bvl_journal *j, const char *dir, enum bvl_mode mode,
		   struct bv_err *err)
{
	int code = BV_OK;

	if (snprintf(j->path, sizeof(j->path), "%s/" BVL_JOURNAL_FILE, dir) >=
	    (int)sizeof(j->path))
		return bv_fail(err, BV_E_LIMIT, "'%s': too long", dir);
	if (mode == BVL_APPEND && access(j->path, F_OK) != 0 && errno == ENOENT)
		code = make(dir, j, err);
	if (code == BV_OK)
		code = bvl_check_file(j->path, err);
	if (code == BV_OK)
		code = bvl_connect(j, mode == BVL_APPEND, err);
	if (code == BV_OK)
		code = check_version(j, err);
	if (code == BV_OK && mode == BVL_APPEND)
		code = check_log(j, err);
	if (code != BV_OK)
		return code;
	j->head_fd = bvl_head_open(dir, mode == BVL_APPEND);
	if (j->head_fd < 0 && mode == BVL_APPEND)
		return bv_fail_errno(
			err, errno, "'%s/" BVL_HEAD_FILE "': " BVL_REMEDY, dir);
	return BV_OK;
}

int bvl_journal_open(const char *dir, enum bvl_mode mode, unsigned int wait_ms,
		     struct bvl_journal **ret, struct bv_err *err)
{
	struct bvl_journal *j = calloc(1, sizeof(*j));
	int code;

	if (j == NULL)
		return bv_fail(err, BV_E_NOMEM, "journal: no memory");
	j->head_fd = -1;
	j->wait_ms = wait_ms;
	memset(j->head.hash, '0', 64);
	bvl_sql_begin_call(j);
	code = open_in(j, dir, mode, err);
	if (code != BV_OK) {
		bvl_journal_close(&j);
		return code;
	}
	*ret = j;
	return BV_OK;
}

void bvl_journal_close(struct bvl_journal **journal)
{
	struct bvl_journal *j = *journal;

	if (j == NULL)
		return;
	sqlite3_close(j->db);
	bvl_close(&j->head_fd);
	free(j);
	*journal = NULL;
}

const struct bvl_head *bvl_journal_head(const struct bvl_journal *journal)
{
	return &journal->head;
}
