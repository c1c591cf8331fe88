/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's audit says of denials, through a guardian into its report:
 * with audit off and on, from another session, and far too many. Audit is left as
 * it was. Needs Landlock ABI 7 and a kernel that lets us turn audit on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/live/shell_stage.h"

#include <linux/audit.h>
#include <linux/netlink.h>

#define OPEN_DIR "/home/open"

static struct {
	bool can; /* turn it on and off */
	bool was_on;
} audit;

/* AUDIT_GET or AUDIT_SET; -1, or whether audit is on. */
static int ask_audit(uint16_t type, uint32_t enabled)
{
	struct {
		struct nlmsghdr head;
		uint32_t mask, enabled;
		uint32_t rest[16];
	} m = { .head = { .nlmsg_len = sizeof(m),
			  .nlmsg_type = type,
			  .nlmsg_flags =
				  (uint16_t)(type == AUDIT_SET
						     ? NLM_F_REQUEST | NLM_F_ACK
						     : NLM_F_REQUEST) },
		.mask = AUDIT_STATUS_ENABLED,
		.enabled = enabled };
	struct timeval soon = { .tv_sec = 30 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	int got = -1;
	int32_t error = -1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	if (send(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m)) {
		while (recv(fd, &m, sizeof(m), 0) > 0) {
			if (m.head.nlmsg_type == NLMSG_ERROR) {
				memcpy(&error, &m.mask, sizeof(error));
				break;
			}
			if (m.head.nlmsg_type == AUDIT_GET)
				got = m.enabled != 0;
			if (got >= 0 && type == AUDIT_GET)
				break;
		}
	}
	close(fd);
	if (type == AUDIT_SET)
		return error == 0 ? (int)enabled : -1;
	return got;
}

static int set_denials(void **state)
{
	int on;

	if (set_shell_stage(state) != 0)
		return -1;
	if (env.unable != NULL)
		return 0;
	must(mkdir(OPEN_DIR, 0777) == 0 && chmod(OPEN_DIR, 0777) == 0, "open");
	write_file(OPEN_DIR "/secret", "secret\n");
	on = ask_audit(AUDIT_GET, 0);
	audit.was_on = on == 1;
	audit.can = on >= 0 && ask_audit(AUDIT_SET, (uint32_t)on) >= 0;
	return 0;
}

static int clear_denials(void **state)
{
	if (audit.can)
		(void)ask_audit(AUDIT_SET, audit.was_on);
	return clear_stage(state);
}

static void need_audit(bool on)
{
	need_stage();
	if (bvh_probe_landlock_abi() < 7) {
		print_message("skip: Landlock tells of denials since ABI 7, "
			      "here is %d\n",
			      bvh_probe_landlock_abi());
		skip();
	}
	if (!audit.can || ask_audit(AUDIT_SET, on) != (int)on) {
		print_message("skip: audit cannot be turned %s here\n",
			      on ? "on" : "off");
		skip();
	}
}

/* The details of that kind, one a line. */
static char *observed(json_t *report, const char *kind)
{
	static char all[8192];
	json_t *row;
	size_t i, n = 0;

	all[0] = '\0';
	json_array_foreach(json_object_get(report, "observed"), i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "kind")),
			   kind) == 0)
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s\n",
					      json_string_value(json_object_get(
						      row, "detail")));
	}
	return all;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static json_t *closed(struct session *s)
{
	assert_true(leader_step(&s->l, 'c'));
	assert_true(s->l.view->closed);
	return record_of(&s->l);
}

static void after_close(struct session *s, json_t *report)
{
	json_decref(report);
	leader_done(&s->l);
	munmap(s->errand, sizeof(*s->errand));
	free(s->out);
	eventually(nothing_left());
}

static void test_audit_off__said_and_why(void **state)
{
	struct session s;
	json_t *r;

	(void)state;
	need_audit(false);
	session_open(&s, "bvt-plain");
	(void)session_run(&s, "cat " OPEN_DIR "/secret");
	r = closed(&s);
	assert_non_null(
		strstr(observed(r, "denials_unrecorded"), "audit is off"));
	assert_string_equal(observed(r, "denied"), "");
	assert_string_equal(observed(r, "denials_recorded"), "");
	after_close(&s, r);
}

/* The kernel hands a record on by a thread of its own: it comes when it comes,
 * so the session waits for what the test sees. */
static void test_audit_on__path_and_right(void **state)
{
	char command[PATH_MAX + 96], said[8192] = "";
	struct session s;
	json_t *r;
	FILE *f;

	(void)state;
	need_audit(true);
	session_open(&s, "bvt-plain");
	(void)session_run(&s, "cat " OPEN_DIR "/secret; echo >" OPEN_DIR
			      "/new; touch ~/mine; /usr/bin/sleep 3");
	r = closed(&s);
	assert_string_equal(observed(r, "denials_unrecorded"), "");
	assert_non_null(strstr(observed(r, "denied"),
			       "fs.read_file " OPEN_DIR "/secret\n"));
	assert_non_null(
		strstr(observed(r, "denied"), "fs.make_reg " OPEN_DIR "\n"));
	/* the attestation's own try is no denial of the session's */
	assert_null(strstr(observed(r, "denied"), RUN_DIR));
	assert_int_equal(lines(observed(r, "denials_recorded")), 1);

	snprintf(command, sizeof(command), "%.*s/bvisorctl why %s",
		 (int)(strrchr(env.helper, '/') - env.helper), env.helper,
		 s.l.view->session);
	f = popen(command, "re");
	assert_non_null(f);
	(void)!fread(said, 1, sizeof(said) - 1, f);
	(void)pclose(f);
	assert_non_null(
		strstr(said, "denied: fs.read_file " OPEN_DIR "/secret\n"));
	assert_non_null(strstr(said, "'[filesystem] read = " OPEN_DIR
				     "/secret' in policies/bvt-plain.conf"));
	after_close(&s, r);
}

static void test_two_sessions__each_its_own(void **state)
{
	struct session mine, other;
	json_t *r;

	(void)state;
	need_audit(true);
	session_open(&mine, "bvt-plain");
	session_open(&other, "bvt-fds");
	(void)session_run(&other, "cat " OPEN_DIR "/secret; sleep 3");
	(void)session_run(&mine, "ls " OPEN_DIR "; sleep 3");
	r = closed(&other);
	assert_non_null(strstr(observed(r, "denied"), "fs.read_file"));
	assert_null(strstr(observed(r, "denied"), "fs.read_dir " OPEN_DIR));
	json_decref(r);
	r = closed(&mine);
	assert_non_null(
		strstr(observed(r, "denied"), "fs.read_dir " OPEN_DIR "\n"));
	assert_null(strstr(observed(r, "denied"), "fs.read_file"));
	leader_done(&other.l);
	munmap(other.errand, sizeof(*other.errand));
	free(other.out);
	after_close(&mine, r);
}

/* Four hundred different denials: some are listed, the rest counted, and the
 * report has room for its end. */
static void test_too_many__bounded(void **state)
{
	struct session s;
	json_t *r;

	(void)state;
	need_audit(true);
	session_open(&s, "bvt-plain");
	EXITED(session_run(&s, "i=0; while [ $i -lt 400 ]; do i=$((i+1)); "
			       "mkdir " OPEN_DIR "/d$i 2>/dev/null; "
			       ": >" OPEN_DIR "/f$i; done 2>/dev/null; "
			       "for f in /home/*/; do ls $f; done 2>/dev/null; "
			       "sleep 3; exit 0"),
	       0);
	r = closed(&s);
	assert_true(lines(observed(r, "denied")) >= 2);
	assert_true(lines(observed(r, "denied")) <= 8);
	assert_int_equal(lines(observed(r, "denials_recorded")), 1);
	assert_true(strtoul(observed(r, "denials_recorded"), NULL, 10) > 8);
	assert_string_not_equal(observed(r, "cgroup_leaf_removed"), "");
	after_close(&s, r);
}

#define TEST(fn) cmocka_unit_test_teardown(fn, sweep_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_audit_off__said_and_why),
		TEST(test_audit_on__path_and_right),
		TEST(test_two_sessions__each_its_own),
		TEST(test_too_many__bounded),
	};

	return cmocka_run_group_tests(tests, set_denials, clear_denials);
}
