/* SPDX-License-Identifier: MIT */
/* Whom an explanation is about, and by which file. */
#include "helper/ctl/subject.h"

#include "core/json.h"
#include "helper/ctl/out.h"

void bvh_ctl_say_subject(const struct bv_subject *s)
{
	bvh_ctl_say("%-12s %s (uid %u), home %s, shell %s\n", "user", s->user,
		    s->uid, s->home, s->shell);
	bvh_ctl_say("%-12s", "groups");
	for (size_t i = 0; i < s->groups_n; i++)
		bvh_ctl_say(" %s", s->groups[i]);
	bvh_ctl_say("\n%-12s service %s, tty %s, from %s\n", "login",
		    s->service, s->tty[0] == '\0' ? "-" : s->tty,
		    s->rhost[0] == '\0' ? "here" : s->rhost);
}

json_t *bvh_ctl_subject_json(const struct bv_subject *s, int *failed)
{
	json_t *o = json_object();
	json_t *groups = json_array();

	for (size_t i = 0; i < s->groups_n; i++)
		*failed |= bvh_ctl_add(groups, bv_json_text(s->groups[i]));
	*failed |= bvh_ctl_put(o, "user", bv_json_text(s->user));
	*failed |= bvh_ctl_put(o, "uid", bv_json_u64(s->uid));
	*failed |= bvh_ctl_put(o, "gid", bv_json_u64(s->gid));
	*failed |= bvh_ctl_put(o, "groups", groups);
	*failed |= bvh_ctl_put(o, "home", bv_json_text(s->home));
	*failed |= bvh_ctl_put(o, "shell", bv_json_text(s->shell));
	*failed |= bvh_ctl_put(o, "service", bv_json_text(s->service));
	*failed |= bvh_ctl_put(o, "tty", bv_json_text(s->tty));
	*failed |= bvh_ctl_put(o, "rhost", bv_json_text(s->rhost));
	return o;
}

json_t *bvh_ctl_policy_json(const struct bv_policy *p, int *failed)
{
	json_t *o;

	if (p == NULL)
		return json_null();
	o = json_object();
	*failed |= bvh_ctl_put(o, "name", bv_json_text(p->name));
	*failed |= bvh_ctl_put(o, "path", bv_json_text(p->path));
	*failed |= bvh_ctl_put(o, "broken", json_boolean(p->broken));
	return o;
}
