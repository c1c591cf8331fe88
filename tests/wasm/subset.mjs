// SPDX-License-Identifier: MIT
// Writes tests/wasm/subset.txt: node tests/wasm/subset.mjs > tests/wasm/subset.txt
// Every numeric instruction with edge values in register, immediate and branch
// form, every load and store at the end of memory, and the functions of
// subset.wat (compiled by wat2wasm). Expected values are what node computes.
// Lines:  m HEX            a module, instantiated
//         f NAME ARG... = RESULT...   i32 and i64 in hex, "nan32", "nan64"
//         t NAME ARG... = TEXT        traps
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const I32 = 0x7f, I64 = 0x7e, F32 = 0x7d, F64 = 0x7c;
const out = [];
const leb = (n) => {
  const b = [];
  do { let x = n & 127; n >>>= 7; b.push(n ? x | 128 : x); } while (n);
  return b;
};
const sleb = (v) => {
  const b = [];
  v = BigInt.asIntN(64, BigInt(v));
  for (;;) {
    const x = Number(v & 127n);
    v >>= 7n;
    if ((v === 0n && !(x & 64)) || (v === -1n && (x & 64))) { b.push(x); return b; }
    b.push(x | 128);
  }
};
const vec = (list) => [...leb(list.length), ...list.flat()];
const section = (id, body) => [id, ...leb(body.length), ...body];
const str = (s) => vec([...Buffer.from(s)]);
// funcs: [{ name, params, results, body }]
function module(funcs, memory) {
  return Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0,
    ...section(1, vec(funcs.map((f) => [0x60, ...vec(f.params), ...vec(f.results)]))),
    ...section(3, vec(funcs.map((_, i) => leb(i)))),
    ...(memory ? section(5, [1, 0, 1]) : []),
    ...section(7, vec(funcs.map((f, i) => [...str(f.name), 0, ...leb(i)]))),
    ...section(10, vec(funcs.map((f) => {
      const body = [0, ...f.body, 0x0b];
      return [...leb(body.length), ...body];
    })))]);
}
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const show = (v, type) => typeof v === 'bigint'
  ? BigInt.asUintN(64, v).toString(16) : (v >>> 0).toString(16);
const isNan32 = (v) => ((v & 0x7f800000) === 0x7f800000) && (v & 0x7fffff) !== 0;
const isNan64 = (v) => ((v & 0x7ff0000000000000n) === 0x7ff0000000000000n) &&
  (v & 0xfffffffffffffn) !== 0n;
const TEXT = [['remainder by zero', 'integer divide by zero'], ['divide by zero', 'integer divide by zero'], ['divide result unrep', 'integer overflow'],
  ['float unrepresentable', 'float'], ['unreachable', 'unreachable'],
  ['memory access out of bounds', 'out of bounds memory access'],
  ['null function', 'indirect'], ['signature mismatch', 'indirect'],
  ['table index is out of bounds', 'table'], ['null function or function signature', 'indirect'],
  ['table access out of bounds', 'out of bounds table access'], ['table index out of', 'out of bounds table access'],
  ['element segment out of bounds', 'out of bounds table access'], ['Maximum call stack', 'call stack exhausted']];
function run(fn, name, args, nan) {
  const a = args.map((v) => show(v)).join(' ');
  let r;
  try { r = fn(...args); } catch (e) {
    const t = TEXT.find(([k]) => e.message.includes(k));
    if (!t) throw new Error(e.message + ' in ' + name);
    out.push(`t ${name} ${a} = ${t[1]}`);
    return;
  }
  const list = r === undefined ? [] : Array.isArray(r) ? r : [r];
  out.push(`f ${name} ${a} = ` + list.map((v) =>
    nan && typeof v === 'bigint' && isNan64(v) ? 'nan64'
      : nan && typeof v === 'number' && isNan32(v) ? 'nan32' : show(v)).join(' '));
}
function instance(bytes) {
  out.push('m ' + hex(bytes));
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
}

const i32s = [0, 1, -1, 0x7fffffff, -0x80000000, 31, 0x12345678];
const i64s = [0n, 1n, -1n, 0x7fffffffffffffffn, -0x8000000000000000n, 63n, 0x123456789abcdefn];
const f32s = [0, 0x80000000 | 0, 0x3f800000, 0xbf800000 | 0, 0x7f800000, 0xff800000 | 0,
  0x7fc00000, 1, 0x4f000000, 0xcf000001 | 0, 0x3f000000];
const f64s = [0n, 1n << 63n, 0x3ff0000000000000n, 0xbff0000000000000n, 0x7ff0000000000000n,
  0xfff0000000000000n, 0x7ff8000000000000n, 1n, 0x41dfffffffc00000n, 0xc1e0000000200000n,
  0x43e0000000000000n].map((v) => BigInt.asIntN(64, v));
const values = { [I32]: i32s, [I64]: i64s, [F32]: f32s, [F64]: f64s };
const bits = { [I32]: I32, [I64]: I64, [F32]: I32, [F64]: I64 };
const from = { [I32]: [], [I64]: [], [F32]: [0xbe], [F64]: [0xbf] };
const to = { [I32]: [], [I64]: [], [F32]: [0xbc], [F64]: [0xbd] };
const constant = (t, v) => [bits[t] === I32 ? 0x41 : 0x42, ...sleb(v), ...from[t]];
const get = (t, i) => [0x20, i, ...from[t]];

function binary(op, t, r, exact) {
  const list = values[t], pairs = [];
  for (let i = 0; i < list.length; i++)
    for (const d of t === I32 || t === I64 ? [0, 1, 2] : [0, 3])
      pairs.push([list[i], list[(i + d) % list.length]]);
  const b = bits[t], funcs = [{ name: 'rr', params: [b, b], results: [bits[r]],
    body: [...get(t, 0), ...get(t, 1), op, ...to[r]] }];
  const int = t === I32 || t === I64, cmp = int && r === I32 && op >= 0x46 && op <= 0x5a;
  if (cmp)
    funcs.push({ name: 'b', params: [b, b], results: [I32],
      body: [0x02, 0x40, ...get(t, 0), ...get(t, 1), op, 0x0d, 0, 0x41, 0, 0x0f, 0x0b, 0x41, 1] },
    { name: 'i', params: [b, b], results: [I32],
      body: [...get(t, 0), ...get(t, 1), op, 0x04, I32, 0x41, 1, 0x05, 0x41, 0, 0x0b] });
  if (int)
    list.forEach((y, k) => {
      funcs.push({ name: 'k' + k, params: [b], results: [bits[r]],
        body: [...get(t, 0), ...constant(t, y), op] });
      funcs.push({ name: 'c' + k, params: [b], results: [bits[r]],
        body: [...constant(t, y), ...get(t, 0), op] });
    });
  const ex = instance(module(funcs));
  for (const [x, y] of pairs) {
    run(ex.rr, 'rr', [x, y], !exact && r !== I32 && r !== I64);
    if (cmp) { run(ex.b, 'b', [x, y]); run(ex.i, 'i', [x, y]); }
  }
  if (int)
    list.forEach((y, k) => {
      run(ex['k' + k], 'k' + k, [list[(k + 2) % list.length]]);
      run(ex['c' + k], 'c' + k, [list[(k + 3) % list.length]]);
    });
}
function unary(op, t, r, exact) {
  const ops = op >= 0x100 ? [0xfc, op & 255] : [op];
  const ex = instance(module([{ name: 'u', params: [bits[t]], results: [bits[r]],
    body: [...get(t, 0), ...ops, ...to[r]] }]));
  for (const x of values[t]) run(ex.u, 'u', [x], !exact && (r === F32 || r === F64));
}
const range = (a, b) => Array.from({ length: b - a + 1 }, (_, i) => a + i);
range(0x46, 0x4f).forEach((op) => binary(op, I32, I32));
range(0x51, 0x5a).forEach((op) => binary(op, I64, I32));
range(0x5b, 0x60).forEach((op) => binary(op, F32, I32));
range(0x61, 0x66).forEach((op) => binary(op, F64, I32));
range(0x6a, 0x78).forEach((op) => binary(op, I32, I32));
range(0x7c, 0x8a).forEach((op) => binary(op, I64, I64));
range(0x92, 0x98).forEach((op) => binary(op, F32, F32, op === 0x98));
range(0xa0, 0xa6).forEach((op) => binary(op, F64, F64, op === 0xa6));
for (const op of [0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1]) unary(op, I32, I32);
for (const op of [0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4]) unary(op, I64, I64);
unary(0x50, I64, I32);
range(0x8b, 0x91).forEach((op) => unary(op, F32, F32, op <= 0x8c));
range(0x99, 0x9f).forEach((op) => unary(op, F64, F64, op <= 0x9a));
const T = [[0xa7, I64, I32], [0xa8, F32, I32], [0xa9, F32, I32], [0xaa, F64, I32], [0xab, F64, I32],
  [0xac, I32, I64], [0xad, I32, I64], [0xae, F32, I64], [0xaf, F32, I64], [0xb0, F64, I64],
  [0xb1, F64, I64], [0xb2, I32, F32], [0xb3, I32, F32], [0xb4, I64, F32], [0xb5, I64, F32],
  [0xb6, F64, F32], [0xb7, I32, F64], [0xb8, I32, F64], [0xb9, I64, F64], [0xba, I64, F64],
  [0xbb, F32, F64], [0x100, F32, I32], [0x101, F32, I32], [0x102, F64, I32], [0x103, F64, I32],
  [0x104, F32, I64], [0x105, F32, I64], [0x106, F64, I64], [0x107, F64, I64]];
T.forEach(([op, t, r]) => unary(op, t, r));

// Loads and stores: what was stored comes back, the last byte of the page is
// reachable and the one after it traps.
const store = { [I32]: 0x36, [I64]: 0x37, [F32]: 0x38, [F64]: 0x39 };
const loads = [I32, I64, F32, F64, I32, I32, I32, I32, I64, I64, I64, I64, I64, I64];
const size = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4];
loads.forEach((t, i) => {
  const op = 0x28 + i, b = bits[t];
  const ex = instance(module([{ name: 'l', params: [I32, I64], results: [b],
    body: [0x41, 0, 0x20, 1, 0x37, 0, 0, 0x20, 0, op, 0, 0, ...to[t]] },
  { name: 'o', params: [I32], results: [b], body: [0x20, 0, op, 0, ...leb(0xff00), ...to[t]] }], true));
  run(ex.l, 'l', [0, 0x8182838485868788n - (1n << 64n)]);
  run(ex.l, 'l', [1, 0x7fff7fff7fff7fffn]);
  run(ex.l, 'l', [65536 - size[i], 1n]);
  run(ex.l, 'l', [65537 - size[i], 1n]);
  run(ex.l, 'l', [-1, 1n]);
  run(ex.o, 'o', [0x100 - size[i]]);
  run(ex.o, 'o', [0x101 - size[i]]);
  run(ex.o, 'o', [-1]);
});
const stores = [I32, I64, F32, F64, I32, I32, I64, I64, I64], ssize = [4, 8, 4, 8, 1, 2, 1, 2, 4];
stores.forEach((t, i) => {
  const op = 0x36 + i, b = bits[t];
  const ex = instance(module([{ name: 's', params: [I32, b], results: [I64],
    body: [0x20, 0, ...get(t, 1), op, 0, 0, 0x41, 0, 0x29, 0, 0] }], true));
  for (const v of values[t].slice(2, 5)) run(ex.s, 's', [0, v]);
  run(ex.s, 's', [65536 - ssize[i], values[t][3]]);
  run(ex.s, 's', [65537 - ssize[i], values[t][3]]);
  run(ex.s, 's', [-1, values[t][3]]);
});

// subset.wat: one module after another; each ";; NAME ARG..." line below a
// module is a call ("i:5" i32, "I:5" i64).
const dir = new URL('.', import.meta.url).pathname;
for (const part of readFileSync(dir + 'subset.wat', 'utf8').split(/^;; module.*$/m).slice(1)) {
  const tmp = `/tmp/subset-${process.pid}`;
  execFileSync('wat2wasm', ['-', '-o', tmp + '.wasm'], { input: part });
  const ex = instance(readFileSync(tmp + '.wasm'));
  execFileSync('rm', [tmp + '.wasm']);
  for (const line of part.matchAll(/^;; (\S+)(.*)$/mg)) {
    const args = line[2].trim().split(/\s+/).filter(Boolean)
      .map((a) => a[0] === 'i' ? Number(a.slice(2)) : BigInt(a.slice(2)));
    run(ex[line[1]], line[1], args);
  }
}
process.stdout.write(out.join('\n') + '\n');
