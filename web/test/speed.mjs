// Not a test: how fast the virtual board runs here, natively and in WebAssembly, in one run.  node web/test/speed.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NATIVE, PAGE, ROOT, requirePage } from './support.mjs';

requirePage();
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-speed-'));
// Long enough that the second in which an engine compiles the program counts little.
const words = [
  'simulate',
  join(PAGE, 'story.uf2'),
  '--send',
  '/endless on',
  '--send',
  'Once',
  '--expect',
  'never',
];
words.push('--max-seconds', '6', '--stats', 'stats.json');
/** Simulated seconds in a second of processor time: the least of three runs. */
function speed(command, first) {
  const seconds = [];
  for (let i = 0; i < 3; ++i) {
    const run = spawnSync(
      'bash',
      ['-c', 'TIMEFORMAT="%U %S"; time "$@" >/dev/null', 'bash', command, ...first, ...words],
      { cwd: folder, encoding: 'utf8' },
    );
    seconds.push(
      run.stderr
        .trim()
        .split('\n')
        .at(-1)
        .split(' ')
        .reduce((sum, part) => sum + Number(part), 0),
    );
  }
  return (
    JSON.parse(readFileSync(join(folder, 'stats.json'), 'utf8')).simulated_seconds / Math.min(...seconds)
  );
}
const native = speed(NATIVE, []);
const wasm = speed(process.execPath, [join(ROOT, 'build/npm/cli.mjs')]);
rmSync(folder, { recursive: true });
console.log(
  `native ${native.toFixed(3)} of real time, WebAssembly ${wasm.toFixed(3)}: ${(wasm / native).toFixed(2)} of it`,
);
