#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a command on a terminal of its own and talk to it.

  terminal.py [-t SECONDS] [STEP...] -- CMD...

A STEP is wait:REGEX (seen in what came since the last step), send:TEXT (with
the escapes of a Python string), until:COMMAND (of sh, tried until it succeeds) or
sleep:SECONDS. What the command prints goes to stdout; the exit status is the
command's, 128+N for a signal, 124 at the deadline, 125 when a wait was never
fulfilled.
"""
import errno
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time


class Terminal:
    def __init__(self, argv, deadline):
        self.deadline = deadline
        self.seen = b""
        self.status = None
        self.master, slave = pty.openpty()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            if slave > 2:
                os.close(slave)
            try:
                os.execvp(argv[0], argv)
            except OSError as e:
                os.write(2, f"terminal.py: {argv[0]}: {e.strerror}\n".encode())
                os._exit(127)
        os.close(slave)

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    def pump(self, seconds):
        """Copy what comes within `seconds`; False when nothing came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            # No slave is open: the command ended, or login(1) hung it up and
            # is about to open it anew.
            time.sleep(0.05)
            return False
        self.seen += data
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return True

    def late(self):
        return time.monotonic() > self.deadline

    def wait(self, pattern):
        regex = re.compile(pattern.encode())
        while True:
            match = regex.search(self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return True
            over = self.ended() or self.late()
            if not self.pump(0.1) and over:
                return False

    def until(self, command):
        while subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if self.ended() or self.late():
                return False
            self.pump(0.2)
        return True

    def send(self, text):
        data = text.encode().decode("unicode_escape").encode("latin-1")
        os.write(self.master, data)

    def finish(self):
        while not self.ended():
            if self.late():
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return 124
            self.pump(0.1)
        while self.pump(0):
            pass
        if os.WIFSIGNALED(self.status):
            return 128 + os.WTERMSIG(self.status)
        return os.WEXITSTATUS(self.status)


def main(args):
    seconds = 60.0
    if args and args[0] == "-t":
        seconds = float(args[1])
        args = args[2:]
    if "--" not in args:
        sys.exit(__doc__)
    split = args.index("--")
    terminal = Terminal(args[split + 1:], time.monotonic() + seconds)
    missed = None
    for step in args[:split]:
        what, _, text = step.partition(":")
        if what == "wait":
            if not terminal.wait(text):
                missed = text
                break
        elif what == "until":
            if not terminal.until(text):
                missed = text
                break
        elif what == "send":
            terminal.send(text)
        elif what == "sleep":
            end = time.monotonic() + float(text)
            while time.monotonic() < end:
                terminal.pump(0.05)
        else:
            sys.exit(f"terminal.py: no step '{step}'")
    if missed is not None:
        if not terminal.ended():
            os.kill(terminal.pid, signal.SIGKILL)
        terminal.finish()
        sys.stderr.write(f"terminal.py: never saw '{missed}'\n")
        return 125
    return terminal.finish()


sys.exit(main(sys.argv[1:]))
