#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutants of the planner, the budgets and the schedule, against the unit tests.

    tests/mutate/mutate.py [--jobs N] [--count N] [--seed TEXT] [--only FILE]
                           [--list] [--min PERCENT] BUILD-DIR

Each mutant is one small change of one core source; the tests must notice. The
sample is fixed by the seed and by each mutant's own text, so it hardly moves
when other lines do. Mutants that change nothing a caller can see stand in
tests/mutate/equivalent with the reason; they are not counted, and an entry that
fits no mutant any more is an error. TAP; ends with the sum and every survivor.
"""
import argparse
import hashlib
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from builder import ROOT, BuildError, Builder  # noqa: E402

# What is put to the question: whatever admits, refuses or orders.
SUBJECTS = ["core/decide*.c", "core/plan.c", "core/plan_*.c", "core/budget.c",
            "core/support*.c", "core/spec*.c", "core/schedule*.c",
            "core/normalise.c", "core/cap.c"]
# Texts for people, judged by tests of their own, not by a decision.
NOT_SUBJECTS = ["core/plan_encode.c"]

TOKEN = re.compile(r'''
    (?P<space>\s+|\\\n)
  | (?P<comment>/\*.*?\*/|//[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=
        |\.\.\.|[-+*/%&|^~!<>=?:;,.(){}\[\]])
  | (?P<hash>\#)
''', re.X | re.S)

SWAPS = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"],
    ">": [">=", "<="], ">=": [">", "<"], "&&": ["||"], "||": ["&&"],
    "+=": ["-="], "-=": ["+="], "|=": ["="], "&=": ["="], "^": ["|"],
    "<<": [">>"], ">>": ["<<"],
}
BINARY_ONLY = {"+": ["-"], "-": ["+"], "&": ["|"], "|": ["&"], "*": []}
DECLARES = re.compile(r'^(static|const|struct|enum|union|unsigned|signed|int|'
                      r'char|bool|void|size_t|u?int\d+_t|uint64_t|return|goto|'
                      r'case|default|if|for|while|do|switch|else|json_t|'
                      r'va_list|typedef|extern|_Static_assert)$')


class Token:
    __slots__ = ("kind", "text", "at")

    def __init__(self, kind, text, at):
        self.kind, self.text, self.at = kind, text, at


def tokens_of(text):
    """Tokens without space, comments and preprocessor lines."""
    out, at = [], 0
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            at += 1
            continue
        if m.lastgroup == "hash":  # the directive and its continued lines
            end = at
            while True:
                end = text.find("\n", end)
                if end < 0:
                    end = len(text)
                    break
                if text[end - 1] != "\\":
                    break
                end += 1
            at = end
            continue
        if m.lastgroup not in ("space", "comment"):
            out.append(Token(m.lastgroup, m.group(), at))
        at = m.end()
    return out


class Mutant:
    def __init__(self, source, text, at, end, new, operator, function):
        self.source, self.at, self.end, self.new = source, at, end, new
        self.operator, self.function = operator, function
        self.old = text[at:end]
        self.line = text.count("\n", 0, at) + 1
        first = text.rfind("\n", 0, at) + 1
        last = text.find("\n", at)
        self.context = " ".join(text[first:last].split())
        self.nth = 0  # of its like, when one line has several

    def key(self):
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        more = f" #{self.nth + 1}" if self.nth else ""
        return (f"{self.source} | {self.function} | {self.context} | "
                f"{old} -> {new}{more}")

    def show(self):
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return (f"{self.source}:{self.line}: {self.operator}: "
                f"`{old}` -> `{new}` in `{self.context}`")


def enums(paths):
    """enum constant -> the constants of its enum, in order."""
    family = {}
    for path in paths:
        text = re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)
        for body in re.findall(r'enum\s+\w*\s*\{([^}]*)\}', text):
            names = [w.split("=")[0].strip() for w in body.split(",")]
            names = [n for n in names if re.fullmatch(r'BV_[A-Z0-9_]+', n) and
                     not n.endswith("_N")]
            for name in names:
                family[name] = names
    # The keys are written through a macro list.
    vocab = (ROOT / "core/vocab.h").read_text()
    keys = ["BV_REQ_" + n for n in re.findall(r'\bX\((\w+),\s', vocab)]
    for name in keys:
        family[name] = keys
    return family


def match_of(tokens, i, opening, closing):
    depth = 0
    for j in range(i, len(tokens)):
        if tokens[j].text == opening:
            depth += 1
        elif tokens[j].text == closing:
            depth -= 1
            if depth == 0:
                return j
    return len(tokens) - 1


def number_changes(text):
    m = re.match(r'(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$', text)
    v, suffix = int(m.group(1), 0), m.group(2)
    out = [str(v + 1) + suffix]
    if v > 0:
        out.append(str(v - 1) + suffix)
    return out


def functions_of(tokens):
    """(name, returns bool?, returns void?, first, last) of each body."""
    out, depth, i, start = [], 0, 0, 0
    while i < len(tokens):
        t = tokens[i]
        if t.text == "{":
            end = match_of(tokens, i, "{", "}")
            if i > 0 and tokens[i - 1].text == ")":
                head = tokens[start:i]
                opening = next(k for k, h in enumerate(head) if h.text == "(")
                name = head[opening - 1].text
                kinds = [h.text for h in head[:opening - 1]]
                out.append((name, kinds, i, end))
            i = end
            start = i + 1
        elif t.text == ";":
            start = i + 1
        i += 1
    return out


def in_function(source, text, tokens, family, function):
    name, kinds, first, last = function
    found = []

    def add(at, end, new, operator):
        found.append(Mutant(source, text, at, end, new, operator, name))

    def span(i, j):
        return tokens[i].at, tokens[j].at + len(tokens[j].text)

    heads = set()  # tokens between the parentheses of a for
    for i in range(first, last):
        if tokens[i].text == "for" and tokens[i + 1].text == "(":
            heads.update(range(i + 1, match_of(tokens, i + 1, "(", ")") + 1))
    sizes = set()  # between the brackets of an array that is declared
    for i in range(first + 1, last):
        if tokens[i].kind == "word" and DECLARES.match(tokens[i].text) and \
                tokens[i].text not in ("return", "case") and \
                tokens[i - 1].text in ("{", "}", ";"):
            depth = 0
            for j in range(i, last):
                if tokens[j].text in (";", "=", "("):
                    break
                depth += tokens[j].text == "["
                depth -= tokens[j].text == "]"
                if depth:
                    sizes.add(j)
    operand = ("word", "number", "string")
    for i in range(first, last + 1):
        t = tokens[i]
        before = tokens[i - 1]
        end = t.at + len(t.text)
        if i in sizes:
            continue  # room: more changes nothing, less is the sanitizers'
        if t.kind == "op" and t.text in SWAPS:
            kind = "comparison" if t.text[0] in "=!<>" and t.text not in (
                "<<", ">>") else "and/or" if t.text in ("&&", "||") else \
                "arithmetic"
            for new in SWAPS[t.text]:
                add(t.at, end, new, kind)
        elif t.kind == "op" and t.text in BINARY_ONLY:
            if (before.kind in operand and before.text not in (
                    "return", "case", "sizeof")) or before.text in (")", "]"):
                if before.text == ")" and t.text in "&*":
                    continue  # maybe a cast
                for new in BINARY_ONLY[t.text]:
                    add(t.at, end, new, "arithmetic")
        elif t.kind == "number":
            for new in number_changes(t.text):
                add(t.at, end, new, "constant")
        elif t.kind == "word" and t.text in family and before.text != "case":
            row = family[t.text]
            at = row.index(t.text)
            if len(row) > 1:
                add(t.at, end, row[(at + 1) % len(row)], "enum constant")
        elif t.kind == "word" and t.text in ("true", "false"):
            add(t.at, end, "false" if t.text == "true" else "true", "truth")
        elif t.text == "if" and tokens[i + 1].text == "(":
            j = match_of(tokens, i + 1, "(", ")")
            at, stop = span(i + 1, j)
            add(at, stop, "(!" + text[at:stop] + ")", "negated condition")
        elif t.text == "return" and tokens[i + 1].text != ";":
            j = i + 1
            depth = 0
            while tokens[j].text != ";" or depth:
                depth += tokens[j].text in "({["
                depth -= tokens[j].text in ")}]"
                j += 1
            at, stop = span(i + 1, j - 1)
            body = text[at:stop]
            if "bool" in kinds:
                if body not in ("true", "false"):
                    add(at, stop, f"!({body})", "return value")
            elif "struct" in kinds or "*" in kinds or body == "0" or \
                    (body in family and body != "BV_OK"):
                pass  # nothing comparable, or an enum constant's own mutant
            elif body == "BV_OK":
                add(at, stop, "BV_E_BUG", "return value")
            else:
                add(at, stop, "0", "return value")
        # A statement: what stands between ; { } ) else and the next ;
        if i not in heads and (
                before.text in (";", "{", "}", "else") or
                (before.text == ")" and t.kind == "word")):
            if t.kind == "word" and not DECLARES.match(t.text) or \
                    t.text in ("break", "continue") or t.text == "*":
                j, depth, plain = i, 0, True
                while j <= last and (tokens[j].text != ";" or depth):
                    if tokens[j].text in "({[":
                        depth += 1
                    elif tokens[j].text in ")}]":
                        depth -= 1
                        if depth < 0:
                            plain = False
                            break
                    elif tokens[j].text == ":" and depth == 0:
                        plain = False
                    j += 1
                if plain and j <= last:
                    at, stop = span(i, j)
                    add(at, stop, ";", "dropped statement")
    return found


def in_tables(source, text, tokens, family, functions):
    """Constants of the tables outside every function."""
    inside = [(f[2], f[3]) for f in functions]
    found, depth = [], 0
    for i, t in enumerate(tokens):
        if any(a <= i <= b for a, b in inside):
            continue
        depth += t.text == "{"
        depth -= t.text == "}"
        if depth == 0 or i == 0:
            continue
        end = t.at + len(t.text)
        before = tokens[i - 1].text
        if t.text in family and before != "[":
            row = family[t.text]
            if len(row) > 1 and text[:t.at].rfind("enum ") < \
                    text[:t.at].rfind("="):
                found.append(Mutant(
                    source, text, t.at, end,
                    row[(row.index(t.text) + 1) % len(row)],
                    "enum constant", "(table)"))
        elif t.text in ("true", "false"):
            found.append(Mutant(source, text, t.at, end,
                                "false" if t.text == "true" else "true",
                                "truth", "(table)"))
    return found


def mutants_of(source, family):
    text = (ROOT / source).read_text()
    tokens = tokens_of(text)
    functions = functions_of(tokens)
    found = []
    for function in functions:
        found += in_function(source, text, tokens, family, function)
    found += in_tables(source, text, tokens, family, functions)
    seen, unique = {}, []
    for m in found:
        base = m.key()
        m.nth = seen.get(base, 0)
        seen[base] = m.nth + 1
        unique.append(m)
    return text, unique


def read_equivalent():
    """key -> reason. Lines: key, then a line of '  reason'."""
    known, key = {}, None
    for line in (Path(__file__).parent / "equivalent").read_text().split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in " \t":
            known[key] = (known[key] + " " + line.strip()).strip()
        else:
            key = line.strip()
            if key in known:
                raise SystemExit(f"tests/mutate/equivalent: twice: {key}")
            known[key] = ""
    for key, reason in known.items():
        if len(reason) < 10:
            raise SystemExit(f"tests/mutate/equivalent: no reason: {key}")
    return known


def sources(only):
    names = sorted({p.relative_to(ROOT).as_posix()
                    for s in SUBJECTS for p in ROOT.glob(s)} -
                   set(NOT_SUBJECTS))
    return [n for n in names if not only or n in only]


class Order:
    """Which tests to ask first: those that noticed most of this file so far.
    Of no influence on the verdict."""

    def __init__(self, tests, base_s):
        self.lock, self.kills = threading.Lock(), {}
        self.tests, self.base_s = tests, base_s

    def of(self, source):
        stem = Path(source).stem
        with self.lock:
            def rank(test):
                own = test.startswith("test_" + stem.split("_")[0])
                return (-self.kills.get((source, test), 0), not own,
                        self.base_s[test])
            return sorted(self.tests, key=rank)

    def note(self, source, who):
        with self.lock:
            key = (source, who.split(" ")[0])
            self.kills[key] = self.kills.get(key, 0) + 1


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("build")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--count", type=int, default=0, help="0: every mutant")
    ap.add_argument("--seed", default="bvisor")
    ap.add_argument("--only", action="append")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--lenient", action="store_true",
                    help="leave out tests that fail unchanged")
    ap.add_argument("--min", type=float, default=95.0)
    args = ap.parse_args()

    family = enums(list((ROOT / "core").glob("*.[ch]")))
    texts, all_mutants = {}, []
    for source in sources(args.only):
        texts[source], found = mutants_of(source, family)
        all_mutants += found
    known = read_equivalent()
    keys = {m.key() for m in all_mutants}
    stale = [] if args.only else [k for k in known if k not in keys]

    def place(m):
        return hashlib.sha256(f"{args.seed} {m.key()}".encode()).digest()

    asked = sorted((m for m in all_mutants if m.key() not in known), key=place)
    if args.count:
        asked = asked[:args.count]
    asked.sort(key=lambda m: (m.source, m.at, m.new))
    if args.list:
        for m in asked:
            print(f"{m.show()}\n  {m.key()}")
        print(f"{len(all_mutants)} possible, {len(asked)} chosen")
        return 0

    start = time.monotonic()
    builder = Builder(Path(args.build) / "mutate", args.jobs)
    try:
        builder.build_all()
        builder.baseline(lenient=args.lenient)
    except BuildError as e:
        print("not ok 1 - the tests pass unchanged")
        print("# " + str(e).replace("\n", "\n# "))
        print("1..1")
        return 1
    order = Order(builder.tests, builder.base_s)

    def one(m):
        text = texts[m.source]
        changed = text[:m.at] + m.new + text[m.end:]
        with tempfile.TemporaryDirectory(dir=builder.folder) as work:
            verdict, who = builder.judge(m.source, changed, order.of(m.source),
                                         work)
        if verdict == "killed":
            order.note(m.source, who)
        return m, verdict, who

    n, killed, lost, survivors = 0, 0, 0, []
    with ThreadPoolExecutor(args.jobs) as pool:
        for m, verdict, who in pool.map(one, asked):
            if verdict == "compile":
                lost += 1
                continue
            n += 1
            if verdict == "killed":
                killed += 1
                print(f"# killed by {who}: {m.show()}", flush=True)
            else:
                survivors.append(m)
                print(f"# SURVIVED: {m.show()}", flush=True)

    percent = 100.0 * killed / n if n else 0.0
    for m in survivors:
        print(f"# survivor {m.show()}\n#   {m.key()}")
    print(f"# {len(all_mutants)} possible, {lost} of the sample do not compile,"
          f" {len(known)} known to change nothing, "
          f"{time.monotonic() - start:.0f} s")
    print(f"# mutants {n} killed {killed} survived {len(survivors)} "
          f"({percent:.1f} %)")
    results = [
        (not stale, "every entry of tests/mutate/equivalent fits a mutant"),
        (n >= 200 or bool(args.only), f"at least 200 mutants ({n})"),
        (percent >= args.min, f"at least {args.min:.0f} % of the mutants are "
         f"noticed ({killed} of {n})"),
    ]
    for key in stale:
        print(f"# fits nothing: {key}")
    for i, (ok, what) in enumerate(results, 1):
        print(f"{'ok' if ok else 'not ok'} {i} - {what}")
    print(f"1..{len(results)}")
    return 0 if all(ok for ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
