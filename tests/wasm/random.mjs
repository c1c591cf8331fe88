// SPDX-License-Identifier: MIT
// The oracle of the differential test: node random.mjs TRANSCRIPT
// Repeats every call of random's transcript in node and compares. Prints the
// files that differ and a count; exit 1 when one does.
import { readFileSync } from 'node:fs';

const f64 = new Float64Array(1), u64 = new BigUint64Array(f64.buffer);
const f32 = new Float32Array(1), u32 = new Uint32Array(f32.buffer);
function show(type, v) {
  if (type === '7f') return (v >>> 0).toString(16);
  if (type === '7e') return BigInt.asUintN(64, v).toString(16);
  if (type === '70' || type === '6f') return v === null ? 'null' : 'ref';
  if (Number.isNaN(v)) return 'nan';
  if (type === '7d') { f32[0] = v; return u32[0].toString(16); }
  f64[0] = v;
  return u64[0].toString(16);
}
const ARG = { '7f': 12345, '7e': -7n, '7d': 1.5, '7c': -2.25, 70: null, '6f': null };
const types = (s) => s.match(/../g) ?? [];

function replay(path, lines) {
  const out = [];
  const log = (t) => (v) => { out.push('log ' + show(t, v)); };
  const imports = { 'fuzzing-support': { 'log-i32': log('7f'), 'log-i64': log('7e'),
    'log-f32': log('7d'), 'log-f64': log('7c') } };
  let module, ex;
  try { module = new WebAssembly.Module(readFileSync(path)); } catch (e) {
    return ['refused ' + e.message];
  }
  try { ex = new WebAssembly.Instance(module, imports).exports; } catch (e) {
    return ['start'];
  }
  for (const line of lines.filter((l) => l.startsWith('call '))) {
    const [, name, params, results] = line.match(/^call (\S+) :(\w*):(\w*) =/);
    const r = types(results);
    const head = `call ${name} :${params}:${results} =`;
    try {
      const v = ex[name](...types(params).map((t) => ARG[t]));
      const list = r.length === 1 ? [v] : r.length === 0 ? [] : [...v];
      out.push([head, ...list.map((x, i) => show(r[i], x))].join(' '));
    } catch (e) {
      out.push(head + ' trap');
    }
  }
  return out;
}

let same = 0, refused = 0, bad = 0;
for (const part of readFileSync(process.argv[2], 'utf8').split(/^file /m).slice(1)) {
  const [path, ...lines] = part.trimEnd().split('\n');
  const got = replay(path, lines);
  const ours = lines.map((l) => l.startsWith('start') ? 'start' : l);
  if (lines[0]?.startsWith('refused')) {
    refused++;
    if (!got[0]?.startsWith('refused')) { bad++; console.log(`DIFFERS ${path}: ours ${lines[0]}`); }
  } else if (got.join('\n') !== ours.join('\n')) {
    bad++;
    const i = got.findIndex((l, k) => l !== ours[k]);
    console.log(`DIFFERS ${path}: ours "${ours[i]}", node "${got[i]}"`);
  } else same++;
}
console.log(`${same} equal, ${refused} refused, ${bad} differ`);
process.exit(bad ? 1 : 0);
