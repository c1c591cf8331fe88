# SPDX-License-Identifier: MIT
"""Core, or more, as one shared object beside its unit tests, so that a changed source
costs one compile and one link, whatever the number of tests. Used by
tests/mutate/mutate.py and tests/faults/run. Nothing in the tree is written to,
but below the build folder."""
import os
import re
import shlex
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Out of bounds of an array of known size, or undefined: stop at once. The
# unit tests run under the sanitizers too (make asan).
CFLAGS = ["-std=c17", "-D_GNU_SOURCE", "-I.", "-O0", "-w", "-fPIC",
          "-fno-strict-aliasing", "-fsanitize=undefined,bounds-strict",
          "-fsanitize-undefined-trap-on-error", "-ftrivial-auto-var-init=zero"]
LIBRARY = "libbvcore.so"


class BuildError(Exception):
    pass


class Builder:
    def __init__(self, folder, jobs=2, cc=None, folders=("core",)):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.jobs = jobs
        self.cc = shlex.split(cc or os.environ.get("CC", "cc"))
        flags = subprocess.run(
            ["pkg-config", "--libs", "cmocka", "jansson", "libmd", "sqlite3"],
            cwd=ROOT, check=True, capture_output=True, text=True)
        self.libs = flags.stdout.split() + ["-lm"]
        self.core = sorted(p.relative_to(ROOT).as_posix() for folder in folders
                           for p in (ROOT / folder).glob("*.c"))
        # Programs that need more than these folders are no judges of them.
        wasm = "" if "wasm" in folders else "wasm/|(tests/unit/)?wasi_|"
        ledger = "" if "ledger" in folders else r"ledger/|tests/unit/journal_|"
        other = re.compile(r'#include "(helper/|pam_bvisor/|' + wasm + ledger +
                           r'tests/fuzz/fuzz_w|(tests/unit/)?module_(stage|call))')
        self.tests = []
        for path in sorted((ROOT / "tests/unit").glob("test_*.c")):
            if not other.search(path.read_text()):
                self.tests.append(path.stem)
        self.env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="STDOUT",
                        BV_DECISION_RECORDS="1000000",
                        LC_ALL="C.UTF-8")
        self.base_s = {}

    def object_of(self, source):
        return self.folder / (source.replace("/", "_")[:-2] + ".o")

    def compile(self, source, target, *first):
        run = subprocess.run(self.cc + list(first) + CFLAGS + ["-c", "-o", str(target),
                                                 str(source)],
                             cwd=ROOT, capture_output=True, text=True)
        return run.returncode == 0, run.stderr

    def build_all(self):
        sources = self.core + [f"tests/unit/{t}.c" for t in self.tests]

        def one(source):
            ok, said = self.compile(source, self.object_of(source))
            if not ok:
                raise BuildError(f"{source} does not compile:\n{said}")

        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, sources))

    def link_core(self, folder, replaced=None, by=None):
        """Core in folder, the object of `replaced` exchanged for `by`."""
        return self.link(folder, [by if s == replaced else self.object_of(s)
                                  for s in self.core])

    def link(self, folder, objects):
        run = subprocess.run(
            self.cc + ["-shared", "-Wl,-z,defs", f"-Wl,-soname,{LIBRARY}",
                       "-o", str(Path(folder) / LIBRARY)] +
            [str(o) for o in objects] + self.libs,
            cwd=ROOT, capture_output=True, text=True)
        return run.returncode == 0, run.stderr

    def link_test(self, test):
        run = subprocess.run(
            self.cc + ["-pie", "-o", str(self.folder / test),
                       str(self.object_of(f"tests/unit/{test}.c")),
                       str(self.folder / LIBRARY)] + self.libs,
            cwd=ROOT, capture_output=True, text=True)
        return run.returncode == 0, run.stderr

    def run(self, test, folder, margin=True):
        """(status, output) of test with folder's core; status None: it had to
        be stopped."""
        limit = 300.0
        if margin:
            limit = 5.0 + 10.0 * self.base_s.get(test, 5.0)
        with tempfile.TemporaryFile() as out:
            child = subprocess.Popen([str(self.folder / test)], cwd=ROOT,
                                     env=dict(self.env,
                                              LD_LIBRARY_PATH=str(folder)),
                                     stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.STDOUT)
            try:
                status = child.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                status = None
            out.seek(0)
            return status, out.read().decode("utf-8", "replace")

    def baseline(self, tests=None, lenient=False):
        """Every program passes unchanged; how long it takes is kept. A program
        that does not pass can judge nothing: an error, or it is left out."""
        def one(test):
            ok, said = self.link_test(test)
            if not ok:
                raise BuildError(f"{test} does not link:\n{said}")
            start = time.monotonic()
            status, out = self.run(test, self.folder, margin=False)
            if status != 0 and lenient:
                print(f"# left out, fails unchanged: {test}", flush=True)
                self.tests.remove(test)
                return
            if status != 0:
                raise BuildError(f"{test} fails unchanged ({status}):\n"
                                 f"{out[-2000:]}")
            self.base_s[test] = time.monotonic() - start

        ok, said = self.link_core(self.folder)
        if not ok:
            raise BuildError(f"core does not link:\n{said}")
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, list(tests or self.tests)))

    def judge(self, source, text, tests, work):
        """Put `text` in the place of core file `source`. Gives (verdict, who):
        'compile' (does not compile or link), 'killed' by a test, 'survived'."""
        work = Path(work)
        if source.endswith(".c"):
            ok, said = self.one_changed(source, text, work)
        else:
            ok, said = self.all_changed(source, text, work)
        if not ok:
            return "compile", said
        for test in tests:
            status, _ = self.run(test, work)
            if status is None:
                return "killed", f"{test} (stopped)"
            if status != 0:
                return "killed", test
        return "survived", ""

    def one_changed(self, source, text, work):
        changed = work / Path(source).name
        changed.write_text(text)
        obj = work / "changed.o"
        ok, said = self.compile(changed, obj)
        return self.link_core(work, source, obj) if ok else (ok, said)

    def all_changed(self, included, text, work):
        """What is included is looked for in `work` first; all of core is
        compiled with it."""
        overlay = work / included
        overlay.parent.mkdir(parents=True)
        overlay.write_text(text)
        objects = []
        for source in self.core:
            objects.append(work / (Path(source).stem + ".o"))
            ok, said = self.compile(source, objects[-1], f"-I{work}")
            if not ok:
                return ok, said
        return self.link(work, objects)
