/* SPDX-License-Identifier: MIT */
/*
 * What is said: to the user on stderr, and to the log. The log's line is this
 * process's own statement about a command; journald adds who sent it (_UID,
 * _EXE, the cgroup), and that is what may be believed of it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "helper/log.h"
#include "wasm/shell/shell.h"

void bws_say(const char *fmt, ...)
{
	char text[1024], plain[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bvh_log_text(text, plain, sizeof(plain));
	fprintf(stderr, "bvisor-wasm: %s\n", plain);
}

/* Connected now: later no socket can be made. */
void bws_record_open(void)
{
	openlog("bvisor-wasm", LOG_PID | LOG_NDELAY, LOG_USER);
}

void bws_record(const struct bws_entry *entry, int status,
		const struct bws_report *r, bool told, uint64_t cpu_us,
		uint64_t wall_us)
{
	char plain[2048], fuel[24] = "unknown", pages[16] = "unknown";

	if (entry->broken) {
		bvh_log_text(entry->why.msg, plain, sizeof(plain));
		syslog(LOG_ERR, "command=%s status=%d refused: %s", entry->name,
		       status, plain);
		return;
	}
	if (told) {
		snprintf(fuel, sizeof(fuel), "%llu",
			 (unsigned long long)r->fuel);
		snprintf(pages, sizeof(pages), "%u", r->peak_pages);
	}
	bvh_log_text(r && r->phase != BWS_ENDED ? r->text : "", plain,
		     sizeof(plain));
	syslog(LOG_INFO,
	       "command=%s status=%d sha256=%s fuel=%s peak_pages=%s "
	       "cpu_us=%llu wall_us=%llu text=\"%s\"",
	       entry->name, status, entry->grant.sha256_hex, fuel, pages,
	       (unsigned long long)cpu_us, (unsigned long long)wall_us, plain);
}

void bws_record_refusal(const char *name)
{
	char plain[512];

	bvh_log_text(name, plain, sizeof(plain));
	syslog(LOG_NOTICE,
	       "refused: %s: no files are transferred by an account "
	       "whose shell this is",
	       plain);
}
