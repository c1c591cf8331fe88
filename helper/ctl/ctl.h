/* SPDX-License-Identifier: MIT */
/*
 * bvisorctl's subcommands. Each gets its own argv (argv[0] is its name) and
 * returns the exit status of the program.
 */
#ifndef BVH_CTL_CTL_H
#define BVH_CTL_CTL_H

enum bvh_ctl_status {
	BVH_CTL_OK = 0,
	BVH_CTL_NO = 1, /* checked, and the answer is no: refused, problems */
	BVH_CTL_USAGE = 2,
	BVH_CTL_FAULT = 3, /* something broke; nothing was decided */
};

/* `run` hands the command's own status on; these are its own. */
#define BVH_RUN_FAULT     253 /* something broke, the command did not run */
#define BVH_RUN_REFUSED   254
#define BVH_RUN_NOT_FOUND 127
#define BVH_RUN_NO_EXEC   126

int bvh_ctl_check(int argc, char **argv);
int bvh_ctl_explain(int argc, char **argv);
int bvh_ctl_probe(int argc, char **argv);
int bvh_ctl_run(int argc, char **argv);
int bvh_ctl_ps(int argc, char **argv);
int bvh_ctl_kill(int argc, char **argv);
int bvh_ctl_why(int argc, char **argv);
int bvh_ctl_wasm(int argc, char **argv);
int bvh_ctl_replay(int argc, char **argv);
int bvh_ctl_log(int argc, char **argv);
int bvh_ctl_show(int argc, char **argv);
int bvh_ctl_verify(int argc, char **argv);
int bvh_ctl_export(int argc, char **argv);
int bvh_ctl_recover(int argc, char **argv);
int bvh_ctl_qualify(int argc, char **argv);

#endif
