/* SPDX-License-Identifier: MIT */
/* What the evaluators answered, membrane by membrane, and what order the
 * schedule compiler made of the plan. */
#include "helper/ctl/trace.h"

#include "core/json.h"
#include "helper/ctl/out.h"

static const char *actor_name(enum bv_actor actor)
{
	if (actor == BV_ACTOR_SHELL)
		return "shell";
	return actor == BV_ACTOR_LEADER ? "leader" : "guardian";
}

static void say_answer(const char *who, const struct bv_decision *d)
{
	if (d->admit != 0)
		bvh_ctl_say("%-18s admitted\n", who);
	else
		bvh_ctl_say(
			"%-18s refused by %s: %s\n", who,
			bv_membrane_name((enum bv_membrane)d->membrane),
			bv_refusal_code_name((enum bv_refusal_code)d->code));
}

void bvh_ctl_say_trace(const struct bv_trace *trace,
		       const struct bv_schedule *schedule)
{
	bvh_ctl_say("\n%-18s %s\n", "MEMBRANE", "VERDICT");
	if (!trace->asked) {
		bvh_ctl_say("%-18s %s\n", "-", "nothing to be admitted");
		return;
	}
	for (unsigned int m = BV_MEMBRANE_CONFIG; m < BV_MEMBRANE_N; m++)
		bvh_ctl_say("%-18s %s\n", bv_membrane_name((enum bv_membrane)m),
			    bv_passage_name(bv_trace_passage(
				    trace, (enum bv_membrane)m)));
	say_answer("reference", &trace->reference);
	say_answer("table", &trace->table);
	bvh_ctl_say("%-18s %s\n", "evaluators",
		    trace->agree ? "agree" : "DO NOT AGREE");
	if (schedule == NULL)
		return;
	bvh_ctl_say("\n%-18s %-10s %s\n", "PHASE", "BY", "STEP");
	for (size_t i = 0; i < schedule->n; i++)
		bvh_ctl_say("%-18s %-10s %s\n",
			    bv_phase_name(schedule->entry[i].phase),
			    actor_name(schedule->entry[i].actor),
			    schedule->entry[i].id);
}

static json_t *answer_json(const struct bv_decision *d, int *failed)
{
	const char *membrane = bv_membrane_name((enum bv_membrane)d->membrane);
	const char *code = bv_refusal_code_name((enum bv_refusal_code)d->code);
	json_t *o = json_object();

	*failed |= bvh_ctl_put(o, "admit", json_boolean(d->admit != 0));
	*failed |= bvh_ctl_put(o, "membrane", json_string(membrane));
	*failed |= bvh_ctl_put(o, "code", json_string(code));
	return o;
}

json_t *bvh_ctl_trace_json(const struct bv_trace *trace, int *failed)
{
	json_t *o, *all;

	if (!trace->asked)
		return json_null();
	o = json_object();
	all = json_array();
	for (unsigned int i = BV_MEMBRANE_CONFIG; i < BV_MEMBRANE_N; i++) {
		enum bv_membrane m = (enum bv_membrane)i;
		const char *said = bv_passage_name(bv_trace_passage(trace, m));
		json_t *one = json_object();

		*failed |= bvh_ctl_put(one, "membrane",
				       json_string(bv_membrane_name(m)));
		*failed |= bvh_ctl_put(one, "verdict", json_string(said));
		*failed |= bvh_ctl_add(all, one);
	}
	*failed |= bvh_ctl_put(o, "membranes", all);
	*failed |= bvh_ctl_put(o, "reference",
			       answer_json(&trace->reference, failed));
	*failed |= bvh_ctl_put(o, "table", answer_json(&trace->table, failed));
	*failed |= bvh_ctl_put(o, "agree", json_boolean(trace->agree));
	return o;
}

json_t *bvh_ctl_schedule_json(const struct bv_schedule *s, int *failed)
{
	json_t *o = json_object();
	json_t *steps = json_array();

	for (size_t i = 0; i < s->n; i++) {
		const struct bv_schedule_entry *e = &s->entry[i];
		json_t *one = json_object();

		*failed |= bvh_ctl_put(one, "step", bv_json_text(e->id));
		*failed |= bvh_ctl_put(one, "phase",
				       json_string(bv_phase_name(e->phase)));
		*failed |= bvh_ctl_put(one, "by",
				       json_string(actor_name(e->actor)));
		*failed |= bvh_ctl_add(steps, one);
	}
	*failed |= bvh_ctl_put(o, "digest", bv_json_text(s->digest));
	*failed |= bvh_ctl_put(o, "steps", steps);
	return o;
}
