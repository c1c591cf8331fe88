# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR/..
# What this machine says of itself before anybody logs in: every kind and budget of
# the contract, enforced, or why not.
. "$BV_GUEST/lib.sh"
need_bvisor

run bvisorctl probe
is "$status" 0 'bvisorctl probe answers'
said=$out
# table HEAD: the lines below it: name, verdict, mechanism, and what is behind.
table() { awk -v head="$1" '$1 == head { on = 1; next } !NF { on = 0 } on' <<<"$said"; }
# names VERDICT...: the kinds among them, each once, whatever its form.
kinds() {
	table REQUIREMENT | awk -v of=" $* " 'index(of, " " $2 " ") { sub(/\(.*/, "", $1); print $1 }' |
		sort -u
}

is "$(kinds enforced mediated unsupported | wc -l)" 17 'it names all 17 kinds'
is "$(kinds enforced | wc -l)" 17 'each is enforced here in some form'
is "$(table REQUIREMENT | awk '$2 != "enforced" { print $1 }' | sort | xargs)" \
	'Filesystem(exec,file) Filesystem(read,file) Filesystem(write,file)' \
	'what is not is a rule about one file, and no more'
is "$(table REQUIREMENT | awk '$2 == "unsupported" && NF < 4 { print $1 }')" '' \
	'nor that without a reason'
is "$(table BUDGET | awk '{ print $1 }' | sort | xargs)" \
	'cpu handles memory network processes storage wall' 'it names the seven budgets'
is "$(table BUDGET | awk '$2 == "unsupported" { print $1 }')" '' 'and each is kept here'

# Taken away, it is said, with the fact that is missing.
printf 'bvisor-config 1\n[bvisor]\ncgroup_base = /srv/none-such\n' | set_config
run bvisorctl probe
said=$out
isnt "$(table REQUIREMENT | awk '$1 == "ChildSpawnAllowDescendants" { print $2 }')" enforced \
	'without a cgroup base nothing is enforced by one'
is "$(table BUDGET | awk '$2 == "unsupported" && NF < 4 { print $1 }')" '' \
	'and each budget has its reason'
matches "$(table BUDGET | awk '$1 == "processes"')" 'unsupported .*(base|cgroup)' \
	'which names what is missing'
