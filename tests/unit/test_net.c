/* SPDX-License-Identifier: MIT */
/*
 * Peers: from the lines of a policy and the addresses of its names to the set
 * that a plan holds, its bytes, its identity and its steps.
 */
#include "tests/unit/schedule_plan.h"

#include <stdio.h>

#include "core/decode.h"
#include "core/digest.h"

static struct bv_net_rule rules[BV_POLICY_LIST_MAX];

/* The fixture with an allow list on a machine that can. */
static void list_init(struct fixture *f, size_t n)
{
	fixture_init(f);
	fixture_set(&f->snap, BV_FACT_CGROUP_BPF, "yes");
	f->policy.network = BV_NETWORK_LIST;
	f->policy.net = rules;
	f->policy.net_n = n;
}

static void rule(size_t i, const char *proto, const char *host, uint16_t port)
{
	rules[i] = (struct bv_net_rule){ host, proto, port,
					 (unsigned int)(19 + i) };
}

static void expect(const struct bv_net_list *net, size_t i, const char *want)
{
	char addr[BV_NET_TEXT_MAX], got[128];

	assert_true(i < net->n);
	bv_net_text(&net->peer[i], addr);
	snprintf(got, sizeof(got), "%s %s %u line %u",
		 bv_net_proto_name(net->peer[i].proto), addr,
		 net->peer[i].port, net->peer[i].line);
	assert_string_equal(got, want);
}

static struct bv_net_addr addr_of(const char *text)
{
	struct bv_net_addr addr;
	unsigned int bits;

	assert_true(bv_net_parse(text, &addr, &bits));
	assert_int_equal(bits, 128);
	return addr;
}

/* --- the set ----------------------------------------------------------------- */

static void test_pin__sorted_and_each_once(void **state)
{
	struct fixture f;

	(void)state;
	rule(0, "udp", "192.0.2.7", 53);
	rule(1, "tcp", "2001:db8::/32", 0);
	rule(2, "tcp", "192.0.2.0/24", 443);
	rule(3, "tcp", "::ffff:192.0.2.0/120", 443);
	rule(4, "tcp", "192.0.2.0/24", 22);
	rule(5, "tcp", "*", 80);
	list_init(&f, 6);
	fixture_spec(&f);
	assert_int_equal(f.spec.net.n, 6);
	assert_int_equal(f.spec.net.open, 0);
	expect(&f.spec.net, 0, "tcp ::/0 80 line 24");
	expect(&f.spec.net, 1, "tcp 0.0.0.0/0 80 line 24");
	expect(&f.spec.net, 2, "tcp 192.0.2.0/24 22 line 23");
	expect(&f.spec.net, 3, "tcp 192.0.2.0/24 443 line 21");
	expect(&f.spec.net, 4, "tcp 2001:db8::/32 0 line 20");
	expect(&f.spec.net, 5, "udp 192.0.2.7 53 line 19");
	fixture_done(&f);
}

static void test_pin__other_networks__have_no_peers(void **state)
{
	struct fixture f;

	(void)state;
	rule(0, "udp", "192.0.2.7", 53);
	list_init(&f, 1);
	f.policy.network = BV_NETWORK_OPEN;
	fixture_spec(&f);
	assert_int_equal(f.spec.net.n, 0);
	assert_false(bv_spec_filters_network(&f.spec));
	f.policy.budget[BV_DIM_NETWORK] =
		(struct bv_budget_request){ true, 1, BV_ENFORCED, 0, 40 };
	fixture_spec(&f);
	assert_true(bv_spec_filters_network(&f.spec));
	fixture_done(&f);
}

static void test_names__each_once_in_order(void **state)
{
	const char *host[BV_NET_NAME_MAX];
	static char name[BV_NET_NAME_MAX + 1][16];
	struct bv_err err = { 0 };
	struct fixture f;
	size_t n = 99;

	(void)state;
	rule(0, "tcp", "git.example.org", 443);
	rule(1, "tcp", "*", 80);
	rule(2, "udp", "ns.example.org", 53);
	rule(3, "tcp", "192.0.2.0/24", 22);
	rule(4, "tcp", "git.example.org", 22);
	list_init(&f, 5);
	assert_int_equal(bv_net_names(&f.policy, host, &n, &err), BV_OK);
	assert_int_equal(n, 2);
	assert_string_equal(host[0], "git.example.org");
	assert_string_equal(host[1], "ns.example.org");
	for (size_t i = 0; i < BV_NET_NAME_MAX + 1; i++) {
		snprintf(name[i], sizeof(name[i]), "h%zu", i);
		rule(i, "tcp", name[i], 1);
	}
	f.policy.net_n = BV_NET_NAME_MAX;
	assert_int_equal(bv_net_names(&f.policy, host, &n, &err), BV_OK);
	assert_int_equal(n, BV_NET_NAME_MAX);
	f.policy.net_n++;
	assert_int_equal(bv_net_names(&f.policy, host, &n, &err), BV_E_CONF);
	assert_string_equal(err.msg,
			    "/etc/bvisor/policies/restricted.conf:51: "
			    "[network] allow: over 32 host names; write "
			    "addresses or networks");
	fixture_done(&f);
}

static void test_names__too_many__the_file_is_broken(void **state)
{
	char text[4096] = "bvisor-policy 1\n[match]\nuser = a\n[filesystem]\n"
			  "base = none\n[network]\naccess = list\n";
	struct bv_arena arena;
	struct bv_policy p;
	size_t len;

	(void)state;
	for (unsigned int i = 0; i <= BV_NET_NAME_MAX; i++) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "allow = tcp h%u 1\n",
			 i);
	}
	bv_arena_init(&arena, 4u << 20);
	assert_int_equal(bv_policy_parse(&arena, "p", "p.conf", text,
					 strlen(text), &p),
			 BV_OK);
	assert_true(p.broken);
	assert_non_null(strstr(p.error.msg,
			       "p.conf:40: [network] allow: over 32 host names"));
	*strrchr(text, 'a') = '\0'; /* the last line */
	assert_int_equal(bv_policy_parse(&arena, "p", "p.conf", text,
					 strlen(text), &p),
			 BV_OK);
	assert_false(p.broken);
	bv_arena_done(&arena);
}

static void test_pin__names__have_the_addresses_they_had(void **state)
{
	struct bv_net_name name[2] = { { .host = "git.example.org", .n = 2 },
				       { .host = "other", .n = 1 } };
	struct bv_err err = { 0 };
	struct bv_plan plan;
	struct bv_refusal refusal;
	struct fixture f;

	(void)state;
	rule(0, "tcp", "git.example.org", 443);
	rule(1, "udp", "git.example.org", 443);
	rule(2, "tcp", "192.0.2.1", 443);
	list_init(&f, 3);
	fixture_spec(&f);
	assert_int_equal(f.spec.net.open, 2);
	/* Nobody plans with a name that was not looked up. */
	assert_int_equal(
		bv_plan_build(&f.spec, &f.snap, &plan, &refusal, &err),
		BV_E_INVAL);
	assert_non_null(strstr(err.msg, "2 names of [network] allow"));
	name[0].addr[0] = addr_of("2001:db8::1");
	name[0].addr[1] = addr_of("192.0.2.1");
	name[1].addr[0] = addr_of("203.0.113.1");
	assert_int_equal(bv_spec_pin(&f.arena, &f.spec, name, 2, &err), BV_OK);
	assert_int_equal(f.spec.net.open, 0);
	assert_int_equal(f.spec.net.n, 4);
	expect(&f.spec.net, 0, "tcp 192.0.2.1 443 line 19");
	expect(&f.spec.net, 1, "tcp 2001:db8::1 443 line 19");
	expect(&f.spec.net, 2, "udp 192.0.2.1 443 line 20");
	expect(&f.spec.net, 3, "udp 2001:db8::1 443 line 20");
	name[0].n = 0;
	assert_int_equal(bv_spec_pin(&f.arena, &f.spec, name, 2, &err),
			 BV_E_CONF);
	assert_string_equal(err.msg,
			    "/etc/bvisor/policies/restricted.conf:19: "
			    "[network] allow: 'git.example.org' has no address "
			    "here; write its addresses, or see that this "
			    "machine can look it up");
	fixture_done(&f);
}

static void test_pin__too_many_peers__file_and_line(void **state)
{
	static struct bv_net_name name = { .host = "many",
					   .n = BV_NET_ADDR_MAX };
	struct bv_err err = { 0 };
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < BV_NET_ADDR_MAX; i++)
		name.addr[i].byte[0] = (uint8_t)(i + 1);
	for (uint16_t i = 0; i < 17; i++)
		rule(i, "tcp", "many", (uint16_t)(i + 1));
	list_init(&f, 16);
	fixture_spec(&f);
	assert_int_equal(bv_spec_pin(&f.arena, &f.spec, &name, 1, &err), BV_OK);
	assert_int_equal(f.spec.net.n, BV_NET_PEER_MAX);
	f.policy.net_n = 17;
	assert_int_equal(bv_spec_pin(&f.arena, &f.spec, &name, 1, &err),
			 BV_E_CONF);
	assert_non_null(strstr(err.msg, ":35: [network] allow: over 512 peers"));
	fixture_done(&f);
}

/* --- the plan ---------------------------------------------------------------- */

static void admit(struct fixture *f, struct bv_plan *ret)
{
	struct bv_refusal refusal;

	if (fixture_plan(f, ret, &refusal) != BV_MEMBRANE_NONE)
		fail_msg("refused: %s", refusal.text);
}

static void test_plan__order_of_lines__same_id(void **state)
{
	struct fixture f;
	struct bv_plan a, b;

	(void)state;
	rule(0, "tcp", "192.0.2.1", 443);
	rule(1, "udp", "192.0.2.1", 53);
	list_init(&f, 2);
	admit(&f, &a);
	rule(1, "tcp", "192.0.2.1", 443);
	rule(0, "udp", "192.0.2.1", 53);
	admit(&f, &b);
	assert_string_equal(a.id, b.id);
	rule(0, "udp", "192.0.2.2", 53);
	admit(&f, &b);
	assert_string_not_equal(a.id, b.id);
	rule(0, "udp", "192.0.2.1", 54);
	admit(&f, &b);
	assert_string_not_equal(a.id, b.id);
	rule(0, "tcp", "192.0.2.1", 53);
	admit(&f, &b);
	assert_string_not_equal(a.id, b.id);
	fixture_done(&f);
}

static char *encoded(struct fixture *f)
{
	struct bv_err err = { 0 };
	struct bv_plan plan;
	char *json = NULL;

	admit(f, &plan);
	if (bv_plan_encode(&plan, &json, &err) != BV_OK)
		fail_msg("%s", err.msg);
	return json;
}

static void test_plan__peers__there_and_back(void **state)
{
	static struct bv_plan_view view;
	struct bv_err err = { 0 };
	struct fixture f;
	char *json;

	(void)state;
	rule(0, "udp", "2001:db8::/32", 0);
	rule(1, "tcp", "192.0.2.0/25", 443);
	list_init(&f, 2);
	json = encoded(&f);
	assert_non_null(strstr(
		json, "\"network\":\"list\",\"network_peers\":[{\"address\":"
		      "\"192.0.2.0/25\",\"port\":443,\"protocol\":\"tcp\"},"
		      "{\"address\":\"2001:db8::/32\",\"port\":0,"
		      "\"protocol\":\"udp\"}]"));
	if (bv_plan_decode(&f.arena, json, strlen(json), &view, &err) != BV_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(view.peers.n, 2);
	assert_string_equal(view.peers.v[1].address, "2001:db8::/32");
	assert_string_equal(view.peers.v[1].protocol, "udp");
	assert_int_equal(view.peers.v[0].port, 443);
	free(json);
	f.policy.net_n = 0;
	json = encoded(&f);
	assert_non_null(strstr(json, "\"network_peers\":[]"));
	assert_int_equal(
		bv_plan_decode(&f.arena, json, strlen(json), &view, &err),
		BV_OK);
	free(json);
	f.policy.network = BV_NETWORK_DENY;
	json = encoded(&f);
	assert_null(strstr(json, "network_peers"));
	free(json);
	fixture_done(&f);
}

/* The text with its first `from` made `to`. */
static char *swapped(const char *json, const char *from, const char *to)
{
	const char *at = strstr(json, from);
	const size_t len = strlen(json) + strlen(to) + 1;
	char *ret = malloc(len);

	assert_non_null(at);
	assert_non_null(ret);
	snprintf(ret, len, "%.*s%s%s", (int)(at - json), json, to,
		 at + strlen(from));
	return ret;
}

static void test_plan__peers_that_were_touched__refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "192.0.2.0/25", "192.0.2.1/25",
		  "network_peers[0].address: not an address" },
		{ "192.0.2.0/25", "192.0.2.7/32",
		  "network_peers[0].address: '192.0.2.7/32' is '192.0.2.7'" },
		{ "\"protocol\":\"tcp\"", "\"protocol\":\"icm\"",
		  "network_peers[0].protocol: unknown 'icm'" },
		{ "\"port\":443", "\"port\":65536",
		  "network_peers[0].port: 65536 is not within" },
		{ "2001:db8::/32\",\"port\":0,\"protocol\":\"udp",
		  "192.0.2.0/25\",\"port\":443,\"protocol\":\"tcp",
		  "network_peers: '192.0.2.0/25' out of order" },
		{ "\"network\":\"list\"", "\"network\":\"open\"",
		  "network_peers: not as 'network'" },
	};
	static struct bv_plan_view view;
	struct fixture f;
	char *json;

	(void)state;
	rule(0, "udp", "2001:db8::/32", 0);
	rule(1, "tcp", "192.0.2.0/25", 443);
	list_init(&f, 2);
	json = encoded(&f);
	for (size_t i = 0; i < BV_LEN(rows); i++) {
		char *other = swapped(json, rows[i].from, rows[i].to);
		struct bv_err err = { 0 };

		assert_int_equal(bv_plan_decode(&f.arena, other, strlen(other),
						&view, &err),
				 BV_E_PROTO);
		if (strstr(err.msg, rows[i].says) == NULL)
			fail_msg("%s", err.msg);
		free(other);
	}
	free(json);
	fixture_done(&f);
}

/* --- the steps ---------------------------------------------------------------- */

static void assert_param(const struct bv_plan *plan, struct bv_digest *d)
{
	const struct bv_schedule_entry *e =
		bv_schedule_find(&plan->schedule, BV_PRIM_CGROUP_NETWORK);
	uint8_t want[BV_SHA256_BYTES];

	bv_digest_end(d, want);
	assert_non_null(e);
	assert_int_equal(e->actor, BV_ACTOR_GUARDIAN);
	assert_memory_equal(e->param, want, sizeof(want));
}

static void test_schedule__programs_before_anybody_is_in(void **state)
{
	const struct bv_net_addr a = addr_of("192.0.2.1");
	struct bv_digest d;
	struct fixture f;
	struct bv_plan plan;
	struct bv_lowered l;

	(void)state;
	rule(0, "tcp", "192.0.2.1", 443);
	list_init(&f, 1);
	scheduled(&f, &plan);
	bv_digest_begin(&d, "bvisor.primitive-param.v1");
	bv_digest_text(&d, "id", "linux.cgroup.network.v1");
	bv_digest_u64(&d, "list", 1);
	bv_digest_u64(&d, "peers", 1);
	bv_digest_u64(&d, "protocol", 6);
	bv_digest_bytes(&d, "address", a.byte, sizeof(a.byte));
	bv_digest_u64(&d, "bits", 128);
	bv_digest_u64(&d, "port", 443);
	bv_digest_u64(&d, "limited", 0);
	bv_digest_u64(&d, "bytes", 0);
	assert_param(&plan, &d);
	assert_true(bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_NETWORK) >
		    bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_LEAF));
	assert_true(bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_NETWORK) <
		    bv_schedule_find(&plan.schedule, BV_PRIM_CGROUP_PLACE));
	assert_null(bv_schedule_find(&plan.schedule, BV_PRIM_NETNS_ENTER));
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.net_list && l.plain_sockets);
	assert_false(l.has_network || l.deny_sockets || l.netns);
	fixture_done(&f);
}

/* A budget alone: the same step, and the network as it was asked for. */
static void test_schedule__budget_alone(void **state)
{
	struct bv_digest d;
	struct fixture f;
	struct bv_plan plan;
	struct bv_lowered l;

	(void)state;
	list_init(&f, 0);
	f.policy.network = BV_NETWORK_OPEN;
	f.policy.budget[BV_DIM_NETWORK] =
		(struct bv_budget_request){ true, 5000, BV_ENFORCED, 0, 40 };
	scheduled(&f, &plan);
	bv_digest_begin(&d, "bvisor.primitive-param.v1");
	bv_digest_text(&d, "id", "linux.cgroup.network.v1");
	bv_digest_u64(&d, "list", 0);
	bv_digest_u64(&d, "limited", 1);
	bv_digest_u64(&d, "bytes", 5000);
	assert_param(&plan, &d);
	bv_lowered_from_plan(&plan, &l);
	assert_true(l.has_network && l.network_bytes == 5000);
	assert_false(l.net_list || l.plain_sockets);
	fixture_done(&f);
}

/* What of a peer changes which steps. */
static void test_schedule__peers__in_every_step_that_uses_them(void **state)
{
	static const enum bv_prim uses[] = { BV_PRIM_CGROUP_NETWORK,
					     BV_PRIM_LANDLOCK_RULESET };
	struct fixture f;
	struct bv_plan a, b;

	(void)state;
	rule(0, "tcp", "192.0.2.1", 443);
	list_init(&f, 1);
	scheduled(&f, &a);
	rule(0, "tcp", "192.0.2.1", 444);
	scheduled(&f, &b);
	for (size_t i = 0; i < a.schedule.n; i++) {
		const struct bv_schedule_entry *x = &a.schedule.entry[i];
		bool differs = memcmp(x->param, b.schedule.entry[i].param,
				      sizeof(x->param)) != 0;

		assert_int_equal(differs, x->index == (uint32_t)uses[0] ||
						  x->index ==
							  (uint32_t)uses[1]);
	}
	fixture_done(&f);
}

/* A run without privilege has no programs: then nobody carries the list. */
static void test_schedule__without_privilege__uncovered(void **state)
{
	struct bv_schedule_fault fault;
	struct fixture f;
	struct bv_plan plan;

	(void)state;
	list_init(&f, 0);
	fixture_set(&f.snap, BV_FACT_EXEC_BOUNDARY, "run");
	fixture_set(&f.snap, BV_FACT_PRIVILEGED, "no");
	plan_of(&f, &plan);
	assert_int_equal(bv_schedule_build(&plan, &plan.schedule, &fault),
			 BV_SCHEDULE_OK);
	assert_int_equal(bv_schedule_check(&plan, &plan.schedule, &fault),
			 BV_VERIFY_UNCOVERED);
	assert_string_equal(fault.a, "NetworkAllowList");
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin__sorted_and_each_once),
		cmocka_unit_test(test_pin__other_networks__have_no_peers),
		cmocka_unit_test(test_names__each_once_in_order),
		cmocka_unit_test(test_names__too_many__the_file_is_broken),
		cmocka_unit_test(test_pin__names__have_the_addresses_they_had),
		cmocka_unit_test(test_pin__too_many_peers__file_and_line),
		cmocka_unit_test(test_plan__order_of_lines__same_id),
		cmocka_unit_test(test_plan__peers__there_and_back),
		cmocka_unit_test(test_plan__peers_that_were_touched__refused),
		cmocka_unit_test(test_schedule__programs_before_anybody_is_in),
		cmocka_unit_test(test_schedule__budget_alone),
		cmocka_unit_test(
			test_schedule__peers__in_every_step_that_uses_them),
		cmocka_unit_test(test_schedule__without_privilege__uncovered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
