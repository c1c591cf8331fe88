// SPDX-License-Identifier: MIT
// node mutate.mjs make DIR COUNT FILE...  COUNT changed copies of each FILE
// node mutate.mjs judge TRANSCRIPT        of random -l: what we accept, node
//   must accept; exit 1 when not. (Node accepts more: it has more proposals.)
import { readFileSync, writeFileSync } from 'node:fs';

const [, , mode, where, count, ...files] = process.argv;
if (mode === 'make') {
  const any = (n) => Math.floor(Math.random() * n);
  for (const [k, file] of files.entries()) {
    const bytes = readFileSync(file);
    for (let i = 0; i < Number(count); i++) {
      let b = Buffer.from(bytes);
      for (let n = 1 + any(3); n > 0; n--) {
        // Past the header; bytes of the module itself are likelier to fit.
        const at = 8 + any(b.length - 8);
        b[at] = any(2) ? any(256) : b[8 + any(b.length - 8)];
        if (any(16) === 0) b = b.subarray(0, 8 + any(b.length - 8));
      }
      writeFileSync(`${where}/mutant-${k}-${i}.wasm`, b);
    }
  }
} else {
  const verdicts = { both: 0, neither: 0, node: 0, ours: 0 };
  for (const part of readFileSync(where, 'utf8').split(/^file /m).slice(1)) {
    const [path, verdict] = part.trimEnd().split('\n');
    const node = WebAssembly.validate(readFileSync(path)), ours = verdict === 'accepted';
    verdicts[node && ours ? 'both' : node ? 'node' : ours ? 'ours' : 'neither']++;
    if (ours && !node) console.log(`ACCEPTED ${path}`);
  }
  console.log(`mutants: ${verdicts.both} accepted by both, ${verdicts.neither} by neither, ` +
    `${verdicts.node} by node alone, ${verdicts.ours} by us alone`);
  process.exit(verdicts.ours ? 1 : 0);
}
