/* SPDX-License-Identifier: MIT */
/*
 * The injection sweep: every system call of the guardian, from its first
 * instruction to its end, and of the module, in open_session and close_session,
 * fails once, and one that waits is interrupted once; a session for each site.
 * Whatever fails: the session is refused, or the kernel shows its boundary; and
 * after the next recovery nothing is left of it and the journal verifies. One test
 * for each program, system call and error.
 *
 *   test_inject [EVERY [PROGRAM [CALL]]]     every EVERYth site of all (1), of one
 *                                            program, of one call
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/crash/inject.h"
#include "tests/live/journal_stage.h"

#include "tests/crash/helper_process.h"

#include <limits.h>
#include <poll.h>
#include <seccomp.h>
#include <security/pam_appl.h>

#define SERVICE   "bvisor-crash"
#define STEP_MS   40000 /* twice what the module waits for a close */
#define REST_MS   20000 /* less than a guardian waits for what does not die */
#define TESTS_MAX 400u

/* What is swept. */
struct program {
	const char *name;
	const char *user;
	bool module; /* of the leader the module, else the guardian below it */
	bool fresh;  /* neither journal nor run folder is there */
	unsigned int sites_min;
};

static const struct program programs[] = {
	{ "guardian", "bvt-grace", false, false, 600 },
	{ "guardian of the first login", "bvt-alice", false, true, 600 },
	{ "module", "bvt-alice", true, false, 100 },
};

struct call {
	char name[112];
	const struct program *program;
	unsigned int nr;
	int error;
	unsigned int sites[INJECT_PROCESSES]; /* of the n-th process */
	unsigned int before;                  /* sites of the calls before it */
	unsigned int total;
};

/* What became of the sessions. */
static struct {
	unsigned int sites, confined, refused, unreached;
} sum;

static struct call calls[TESTS_MAX];
static struct CMUnitTest tests[TESTS_MAX];
static size_t calls_n;
static unsigned int every = 1;
static const char *only_program, *only_call;
static struct inject *inject;
static char self[PATH_MAX];
static char real_helper[PATH_MAX];

/* --- a leader with the module ------------------------------------------------------ */

/* Shared with the leader. */
struct pam_view {
	int opened, closed; /* PAM codes, -1: not yet */
	char why[512];
};

static struct pam_view *pam;

static int talk(int n, const struct pam_message **m, struct pam_response **r,
		void *data)
{
	(void)m;
	(void)data;
	*r = calloc((size_t)n, sizeof(**r));
	return *r == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

/* The leader's step 'a': open, and the second time close. */
static void pam_act(void *arg)
{
	static const struct pam_conv conv = { talk, NULL };
	static pam_handle_t *h;

	if (h == NULL) {
		if (pam_start(SERVICE, arg, &conv, &h) != PAM_SUCCESS)
			_exit(70);
		(void)prctl(INJECT_MARK, 0, 0, 0, 0);
		pam->opened = pam_open_session(h, 0);
		(void)prctl(INJECT_MARK, 0, 0, 0, 0);
		return;
	}
	(void)prctl(INJECT_MARK, 0, 0, 0, 0);
	pam->closed = pam_close_session(h, 0);
	(void)prctl(INJECT_MARK, 0, 0, 0, 0);
	(void)pam_end(h, pam->closed);
}

/* --- one site ---------------------------------------------------------------------- */

static const struct {
	int nr;
	int error;
} errors[] = {
	{ SYS_openat, EMFILE },     { SYS_openat2, EMFILE },
	{ SYS_open, EMFILE },       { SYS_read, EIO },
	{ SYS_pread64, EIO },       { SYS_write, ENOSPC },
	{ SYS_pwrite64, ENOSPC },   { SYS_fsync, EIO },
	{ SYS_fdatasync, EIO },     { SYS_mmap, ENOMEM },
	{ SYS_brk, ENOMEM },        { SYS_mprotect, ENOMEM },
	{ SYS_munmap, ENOMEM },     { SYS_clone, EAGAIN },
	{ SYS_clone3, EAGAIN },     { SYS_fork, EAGAIN },
	{ SYS_vfork, EAGAIN },      { SYS_socket, EMFILE },
	{ SYS_socketpair, EMFILE }, { SYS_pipe2, EMFILE },
	{ SYS_dup, EMFILE },        { SYS_dup2, EMFILE },
	{ SYS_dup3, EMFILE },       { SYS_sendmsg, ENOBUFS },
	{ SYS_sendto, ENOBUFS },    { SYS_recvmsg, ENOMEM },
	{ SYS_poll, ENOMEM },       { SYS_ppoll, ENOMEM },
	{ SYS_close, EIO },         { SYS_fallocate, ENOSPC },
	{ SYS_mkdirat, ENOSPC },    { SYS_renameat2, EIO },
	{ SYS_mount, ENOMEM },      { SYS_wait4, ECHILD },
	{ SYS_waitid, ECHILD },     { SYS_fcntl, ENOLCK },
};

static int error_of(unsigned int nr)
{
	for (size_t i = 0; i < BV_LEN(errors); i++)
		if (errors[i].nr == (int)nr)
			return errors[i].error;
	return EPERM;
}

/* What a signal can cut short fails in this way as well. */
static bool can_wait(unsigned int nr)
{
	static const int waiting[] = {
		SYS_read,     SYS_write,   SYS_recvmsg,   SYS_sendmsg,
		SYS_poll,     SYS_connect, SYS_fallocate, SYS_flock,
		SYS_recvfrom, SYS_sendto,  SYS_wait4,
	};

	for (size_t i = 0; i < BV_LEN(waiting); i++)
		if (waiting[i] == (int)nr)
			return true;
	return false;
}

static const char *name_of(unsigned int nr)
{
	static char *name;

	free(name);
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);
	return name == NULL ? "?" : name;
}

/* Like leader_step(), with an end. */
static bool step_in_time(struct leader *l, char step, bool *ret_hung)
{
	struct pollfd p = { .fd = l->from, .events = POLLIN };
	char done;

	if (write(l->to, &step, 1) != 1)
		return false;
	*ret_hung = poll(&p, 1, STEP_MS) == 0;
	return !*ret_hung && read(l->from, &done, 1) == 1;
}

/* The kernel's word: inside, filtered, and kept from what nobody is granted; and so
 * is a process that the leader makes. NULL, or what is missing. */
static const char *find_hole(struct leader *l)
{
	pid_t child;
	bool hung;

	if (!step_in_time(l, 'k', &hung) || !step_in_time(l, 'r', &hung))
		return "the leader is gone";
	child = l->view->child;
	if (child <= 0)
		return "no child can be made";
	for (int i = 0; i < 2; i++) {
		pid_t pid = i == 0 ? l->pid : child;
		char cgroup[PATH_MAX];

		cgroup_of(pid, cgroup);
		if (strstr(cgroup, "/session-") == NULL)
			return "outside of every leaf";
		if (status_value(pid, "Seccomp") != 2)
			return "no filter";
	}
	if (l->view->see_service_errno != ENOENT)
		return "/run/docker can be seen";
	if (l->view->tmp_dev == leader_dev_of("/tmp"))
		return "/tmp is the host's";
	return l->view->read_secret_errno == EACCES ? NULL
						    : "/run/secret can be read";
}

static bool is_open(const struct program *p, const struct leader *l)
{
	return p->module ? pam->opened == PAM_SUCCESS : l->view->attested;
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* After the leader's end: nothing runs, nothing lies about. */
static const char *find_rest(void)
{
	pid_t pid = helper_running(real_helper);

	for (int i = 0; i < REST_MS / 10 && pid != 0; i++) {
		nap_ms(10);
		pid = helper_running(real_helper);
	}
	if (pid != 0) {
		tell_process(pid);
		return "a guardian goes on";
	}
	reap();
	(void)recover_for("");
	if (count_dir(env.base, "session-") != 0)
		return "a leaf is left";
	if (!nothing_left())
		return "a state file or guardian is left";
	return count_open() == 0 ? NULL : "the journal has it open";
}

static void order_fault(const struct call *c, unsigned int process,
			unsigned int nth)
{
	memset(inject, 0, sizeof(*inject));
	snprintf(inject->program, sizeof(inject->program), "%s", real_helper);
	inject->process = process;
	inject->nr = c->nr;
	inject->nth = nth;
	inject->error = c->error;
}

static void clear_dir(const char *path)
{
	char *argv[] = { (char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf",
			 (char *)(uintptr_t)path, NULL };

	run_program(argv);
}

/* Every session the same: each looks for what the dead left. */
static void prepare(const struct program *p)
{
	(void)unlink(RUN_DIR "/swept");
	if (!p->fresh)
		return;
	clear_dir(STATE_DIR);
	clear_dir(RUN_DIR);
}

/* A guardian that cannot go on ends the session, whenever it likes: no hole, but
 * nothing left to look at. */
static bool was_ended(const struct leader *l)
{
	const pid_t child = l->view->child;

	for (int i = 0; i < 100 && !is_dead(l->pid); i++)
		nap_ms(10);
	for (int i = 0; i < 100 && child > 0 && !is_dead(child); i++)
		nap_ms(10);
	return is_dead(l->pid) && (child <= 0 || is_dead(child));
}

/* A session with what inject orders. NULL, or what is wrong; *ret_confined. */
static const char *run_session(const struct program *p, bool *ret_confined)
{
	struct order order = open_as(p->user);
	const char *wrong = NULL;
	bool hung = false;
	struct leader l;

	prepare(p);
	snprintf(env.helper, sizeof(env.helper), "%s", self);
	pam->opened = pam->closed = -1;
	order.act = pam_act;
	order.arg = (void *)(uintptr_t)p->user;
	l = start(&order);
	if (p->module && inject_process(inject, l.pid) < 0)
		wrong = "no tracer";
	*ret_confined = step_in_time(&l, p->module ? 'a' : 'o', &hung) &&
			is_open(p, &l);
	if (hung)
		wrong = "the opening hangs";
	if (inject->nth == 0 && !*ret_confined)
		print_message("# %s: %s%s\n", p->name, l.view->log_text,
			      l.view->late_text);
	if (*ret_confined) {
		wrong = find_hole(&l);
		if (wrong != NULL && was_ended(&l))
			wrong = NULL;
		(void)step_in_time(&l, p->module ? 'a' : 'c', &hung);
		if (hung)
			wrong = "the close hangs";
	}
	kill(l.pid, SIGKILL);
	eventually(is_dead(l.pid));
	env.leaders_n = 0;
	leader_done(&l);
	if (wrong == NULL)
		wrong = find_rest();
	reap();
	return wrong;
}

/* C confined, r refused, . not reached this time; ! wrong. */
static char try_site(const struct call *c, unsigned int process,
		     unsigned int nth)
{
	const char *wrong;
	bool confined;

	order_fault(c, process, nth);
	wrong = run_session(c->program, &confined);
	if (wrong != NULL) {
		clear_by_force(); /* the next site is not to pay for it */
		print_message("# %s, process %u, %s %u (%s): %s\n",
			      c->program->name, process, name_of(c->nr), nth,
			      strerrorname_np(c->error), wrong);
		return '!';
	}
	sum.sites++;
	if (!inject->hit) {
		sum.unreached++;
		return '.';
	}
	if (confined)
		sum.confined++;
	else
		sum.refused++;
	return confined ? 'C' : 'r';
}

static void test_call(void **state)
{
	const struct call *c = *state;
	unsigned int wrong = 0, n = c->before;
	char said[1024];

	need_stage();
	for (unsigned int p = 0; p < INJECT_PROCESSES; p++) {
		size_t len = 0;

		for (unsigned int k = 1; k <= c->sites[p]; k++) {
			if (n++ % every != 0)
				continue;
			said[len] = try_site(c, p, k);
			wrong += said[len] == '!';
			len += len < sizeof(said) - 2;
		}
		said[len] = '\0';
		if (len > 0)
			print_message("# process %u, 1-%u: %s\n", p,
				      c->sites[p], said);
	}
	assert_sound();
	assert_int_equal(wrong, 0);
}

/* --- which sites there are ----------------------------------------------------------- */

static void add_site(const struct program *p, unsigned int at, unsigned int nr,
		     int error)
{
	struct call *c = calls;

	while (c < calls + calls_n &&
	       (c->program != p || c->nr != nr || c->error != error))
		c++;
	if (c == calls + calls_n) {
		must(calls_n < TESTS_MAX, "too many calls");
		*c = (struct call){ .program = p, .nr = nr, .error = error };
		calls_n++;
	}
	c->sites[at] = inject->seen[at][nr];
}

static void list_sites(const struct program *p)
{
	unsigned int n = 0;

	for (unsigned int at = 0; at < INJECT_PROCESSES; at++)
		for (unsigned int nr = 0; nr < INJECT_CALLS; nr++) {
			if (inject->seen[at][nr] == 0)
				continue;
			add_site(p, at, nr, error_of(nr));
			if (can_wait(nr))
				add_site(p, at, nr, EINTR);
			n += inject->seen[at][nr];
		}
	print_message("# %s: %u sites in %u processes\n", p->name, n,
		      inject->processes);
	assert_true(n >= p->sites_min);
}

/* A session in which nothing fails is confined, and tells the sites. Two of each:
 * the first may find less to do. */
static void scout(void **state)
{
	(void)state;
	need_stage();
	for (size_t i = 0; i < 2 * BV_LEN(programs); i++) {
		const struct program *p = &programs[i / 2];
		const struct call none = { .program = p };
		const char *wrong;
		bool confined;

		order_fault(&none, 0, 0);
		wrong = run_session(p, &confined);
		if (wrong != NULL)
			fail_msg("%s: %s", p->name, wrong);
		assert_true(confined);
		if (i % 2 != 0)
			list_sites(p);
	}
}

static void test_sum(void **state)
{
	(void)state;
	need_stage();
	print_message("# %u sites: %u sessions confined, %u refused, %u not "
		      "reached again\n",
		      sum.sites, sum.confined, sum.refused, sum.unreached);
	/* Some calls a session can do without, most it cannot. */
	assert_true(sum.refused > 0 && sum.confined > 0);
	assert_true(sum.unreached * 10 < sum.sites);
}

/* Of the program and call that were asked for, with a site whose turn it is. */
static bool is_wanted(const struct call *c)
{
	return (only_program == NULL ||
		strcmp(only_program, c->program->name) == 0) &&
	       (only_call == NULL || strcmp(only_call, name_of(c->nr)) == 0) &&
	       (every - c->before % every) % every < c->total;
}

static size_t make_tests(void)
{
	unsigned int before = 0;
	size_t n = 0;

	for (size_t i = 0; i < calls_n; i++) {
		struct call *c = &calls[i];

		c->before = before;
		for (unsigned int p = 0; p < INJECT_PROCESSES; p++)
			c->total += c->sites[p];
		before += c->total;
		snprintf(c->name, sizeof(c->name), "%s: %s, %s at %u sites",
			 c->program->name, name_of(c->nr),
			 strerrorname_np(c->error), c->total);
		if (is_wanted(c))
			tests[n++] = (struct CMUnitTest){
				.name = c->name,
				.test_func = test_call,
				.teardown_func = sweep_stage,
				.initial_state = c,
			};
	}
	if (only_call == NULL)
		tests[n++] = (struct CMUnitTest){ .name = "sum",
						  .test_func = test_sum };
	return n;
}

/* --- the stage ----------------------------------------------------------------------- */

/* Much of what a policy can ask for. */
static void set_policy(void)
{
	must(mkdir("/home/course", 0755) == 0 && mkdir("/home/in", 0755) == 0,
	     "/home");
	policy("grace",
	       "bvisor-policy 1\n[match]\nuser = bvt-grace\n" CONFINE
	       "[temp]\nprivate = yes\n"
	       "[budget]\nwall = 1h\nstorage = 4M\nhandles = 200 mediated\n"
	       "[expose]\nread = /home/course -> /tmp/course\n"
	       "[outbox]\npath = /tmp/out\ncommit = durable\n"
	       "to = /home/in\nowner = user\n");
}

/* The module as a program would load it, and the helper where it looks for one. */
static void set_pam(void)
{
	char text[2 * PATH_MAX];
	char *copy[] = {
		(char *)(uintptr_t) "install",     (char *)(uintptr_t) "-m",
		(char *)(uintptr_t) "0755",        env.helper,
		(char *)(uintptr_t)BV_HELPER_PATH, NULL
	};

	snprintf(text, sizeof(text), "%s", BV_HELPER_PATH);
	*strrchr(text, '/') = '\0';
	must(mkdir(text, 0755) == 0 || errno == EEXIST, text);
	must(mount("tmpfs", text, "tmpfs", 0, "mode=0755") == 0, text);
	run_program(copy);
	snprintf(text, sizeof(text), "%s", env.helper);
	*strrchr(text, '/') = '\0';
	snprintf(text + strlen(text), 64, "/pam_bvisor.so");
	append_file("/etc/pam.d/" SERVICE, "session required ");
	append_file("/etc/pam.d/" SERVICE, text);
	append_file("/etc/pam.d/" SERVICE, "\n");
}

static void set_all(void)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	must(n > 0, "own path");
	(void)set_stage(NULL);
	if (!INJECT_HERE)
		env.unable = "the tracer knows x86-64 alone";
	if (env.unable != NULL)
		return;
	set_policy();
	set_pam();
	snprintf(real_helper, sizeof(real_helper), "%s", BV_HELPER_PATH);
	inject = inject_map(O_CREAT);
	pam = mmap(NULL, sizeof(*pam), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(inject != NULL && pam != MAP_FAILED, "shared memory");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest first[] = {
		cmocka_unit_test_teardown(scout, sweep_stage),
	};
	int failed;

	if (argc == 2 && strcmp(argv[1], "guard") == 0)
		return inject_guardian();
	if (argc > 1)
		every = (unsigned int)atoi(argv[1]);
	only_program = argc > 2 ? argv[2] : NULL;
	only_call = argc > 3 ? argv[3] : NULL;
	every = every == 0 ? 1 : every;
	/* Guardians whose leader died become children of ours. */
	must(prctl(PR_SET_CHILD_SUBREAPER, 1UL) == 0, "subreaper");
	(void)signal(SIGPIPE, SIG_IGN); /* a step for a dead leader */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	set_all();
	failed = cmocka_run_group_tests(first, NULL, NULL);
	if (failed == 0 && calls_n > 0)
		failed = _cmocka_run_group_tests("sites", tests, make_tests(),
						 NULL, NULL);
	(void)clear_stage(NULL);
	return failed;
}
