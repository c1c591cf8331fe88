/* SPDX-License-Identifier: MIT */
/* Names of an allow list, as this machine and as a resolver of our own has them. */
#include "tests/live/live.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "helper/resolve.h"

static struct bv_arena arena;

static int set_up(void **state)
{
	(void)state;
	bv_arena_init(&arena, 16u << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bv_arena_done(&arena);
	return 0;
}

static int resolve(const char *host, struct bv_spec *ret, struct bv_err *err)
{
	static struct bv_net_rule rule;
	static struct bv_policy policy;

	rule = (struct bv_net_rule){ host, "tcp", 443, 7 };
	policy = (struct bv_policy){ .name = "p",
				     .path = "p.conf",
				     .network = BV_NETWORK_LIST,
				     .net = &rule,
				     .net_n = 1 };
	*ret = (struct bv_spec){ .policy = &policy,
				 .network = BV_NETWORK_LIST };
	assert_int_equal(bv_spec_pin(&arena, ret, NULL, 0, err), BV_OK);
	return bvh_resolve_spec(&arena, ret, err);
}

static void test_names__localhost__is_pinned(void **state)
{
	struct bv_err err = { 0 };
	char text[BV_NET_TEXT_MAX];
	struct bv_spec spec;
	bool has_v4 = false;

	(void)state;
	if (resolve("localhost", &spec, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(spec.net.open, 0);
	for (size_t i = 0; i < spec.net.n; i++) {
		bv_net_text(&spec.net.peer[i], text);
		has_v4 |= strcmp(text, "127.0.0.1") == 0;
		assert_int_equal(spec.net.peer[i].line, 7);
	}
	assert_true(has_v4);
}

/* In a mount namespace of its own: the machine's resolver is what we say. */
static int with_files(void *arg)
{
	static const char *const files[][2] = {
		{ "/etc/hosts", "192.0.2.9 two.test\n2001:db8::9 two.test\n"
				"0.0.0.0 nowhere.test\n" },
		{ "/etc/nsswitch.conf", "hosts: files dns\n" },
		{ "/etc/resolv.conf", "nameserver 192.0.2.250\n" },
	};
	char temp[] = "/tmp/bv-names.XXXXXX";
	char path[64];

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdtemp(temp) == NULL)
		return 250;
	for (size_t i = 0; i < BV_LEN(files); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%zu", temp, i);
		f = fopen(path, "we");
		if (f == NULL || fputs(files[i][1], f) < 0 || fclose(f) != 0)
			return 251;
		(void)close(open(files[i][0], O_WRONLY | O_CREAT | O_CLOEXEC,
				 0644));
		if (mount(path, files[i][0], NULL, MS_BIND, NULL) != 0)
			return 252;
		(void)unlink(path);
	}
	(void)rmdir(temp);
	return ((int (*)(void))(uintptr_t)arg)();
}

static int pins_both(void)
{
	struct bv_err err = { 0 };
	struct bv_spec spec;
	char text[BV_NET_TEXT_MAX];

	if (resolve("two.test", &spec, &err) != BV_OK || spec.net.n != 2)
		return 1;
	bv_net_text(&spec.net.peer[0], text);
	if (strcmp(text, "192.0.2.9") != 0)
		return 2;
	bv_net_text(&spec.net.peer[1], text);
	return strcmp(text, "2001:db8::9") == 0 ? 0 : 3;
}

static int refuses_nowhere(void)
{
	struct bv_err err = { 0 };
	struct bv_spec spec;

	if (resolve("nowhere.test", &spec, &err) != BV_E_CONF)
		return 1;
	return strstr(err.msg, "p.conf:7: [network] allow: 'nowhere.test' has "
			       "no address here") != NULL
		       ? 0
		       : 2;
}

/* A name server that never answers, or cannot be reached: whichever, the name
 * is refused, and no child of ours is left. */
static int refuses_silence(void)
{
	struct bv_err err = { 0 };
	struct bv_spec spec;

	if (resolve("silent.test", &spec, &err) != BV_E_CONF ||
	    strstr(err.msg, "p.conf:7: [network] allow: 'silent.test'") == NULL)
		return 1;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 2;
}

static void test_names__as_the_machine_has_them(void **state)
{
	(void)state;
	LIVE_NEED(geteuid() == 0, "root");
	assert_int_equal(live_child(with_files, (void *)(uintptr_t)pins_both),
			 0);
	assert_int_equal(
		live_child(with_files, (void *)(uintptr_t)refuses_nowhere), 0);
	assert_int_equal(
		live_child(with_files, (void *)(uintptr_t)refuses_silence), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names__localhost__is_pinned),
		cmocka_unit_test(test_names__as_the_machine_has_them),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
