#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is there of sessions, asked of the kernel.

  leftovers.py             everything that ended sessions must not leave, one a
                           line; silent and 0 when there is nothing
  leftovers.py guardians   the process ids of all guardians
"""
import os
import sys

CGROUPS = "/sys/fs/cgroup"
SESSIONS = "/run/bvisor/sessions"
HELPER = "/usr/libexec/bvisor-helper"


def read(path):
    """The file's text; '' when it, or its process, is gone."""
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def link(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def processes():
    return [p for p in os.listdir("/proc") if p.isdigit()]


def command(pid):
    return read(f"/proc/{pid}/cmdline").split("\0")[:-1]


def guardians():
    """By executable, also when the file was replaced meanwhile."""
    return [p for p in processes()
            if link(f"/proc/{p}/exe").removesuffix(" (deleted)") == HELPER
            and "guard" in command(p)]


def in_cgroups():
    for path, dirs, _ in os.walk(CGROUPS):
        for name in dirs:
            # logind's session-N.scope is another thing.
            leaf = name.startswith("session-") and not name.endswith(".scope")
            if leaf or name == "guardians":
                procs = read(f"{path}/{name}/cgroup.procs").split()
                if leaf or procs:
                    yield f"cgroup {path}/{name}: {' '.join(procs)}"


def strangers():
    """Processes whose mount namespace is neither init's nor that of one of
    Debian's own sandboxed services."""
    own = link("/proc/1/ns/mnt")
    for pid in processes():
        ns = link(f"/proc/{pid}/ns/mnt")
        if ns in ("", own):
            continue
        group = read(f"/proc/{pid}/cgroup").strip().removeprefix("0::")
        unit = group.split("/")[2:3]
        if group in ("", "/") or group.endswith("/bvisor.service/holder"):
            continue
        if (group.startswith("/system.slice/") and unit[0].endswith(".service")
                and unit[0] not in ("bvisor.service", "ssh.service",
                                    "cron.service", "bvisor-tests.service")):
            continue
        yield (f"process {pid} in a namespace of its own: "
               f"{' '.join(command(pid))} ({group})")


def leftovers():
    yield from in_cgroups()
    for pid in guardians():
        yield f"guardian {pid}: {' '.join(command(pid))}"
    for line in read("/proc/1/mountinfo").splitlines():
        if "bvisor" in line or " - nsfs " in line:
            yield f"mount {line}"
    if os.path.isdir(SESSIONS):
        for name in os.listdir(SESSIONS):
            yield f"state {SESSIONS}/{name}"
    yield from strangers()


for found in guardians() if sys.argv[1:] == ["guardians"] else leftovers():
    print(found)
