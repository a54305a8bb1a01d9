// The npm package, installed from its tarball into an empty folder: the same bytes and stories as the native command.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HANG, MODEL, NATIVE, native, PAGE, ROOT, requirePage, skip, TOKENIZER } from './support.mjs';

requirePage();
const built = join(ROOT, 'build/npm');
const released = process.env.PICO_LLAMA_TARBALL;
if (!released && !existsSync(join(built, 'pico-llama.wasm')))
  skip('the package is not built: scripts/build-page.sh');
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-npm-'));
after(() => rmSync(folder, { recursive: true }));
const npm = (words, cwd) =>
  execFileSync('npm', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const tarball =
  released ?? join(folder, npm(['pack', '--silent', '--pack-destination', folder], built).trim());
const installed = join(folder, 'empty');
mkdirSync(installed);
npm(['install', '--silent', '--no-audit', '--no-fund', '--offline', '--no-save', tarball], installed);
const command = join(installed, 'node_modules/.bin/pico-llama');

const wasm = (words) => spawnSync(command, words, { cwd: folder, encoding: 'utf8' });
function both(words) {
  const here = wasm(words);
  const there = spawnSync(NATIVE, words, { cwd: folder, encoding: 'utf8' });
  return { here, there };
}

test('pack, info, uf2, run and eval are the native command’s', { timeout: HANG }, () => {
  cpSync(MODEL, join(folder, 'tales.bin'));
  cpSync(TOKENIZER, join(folder, 'tales.tok.bin'));
  for (const profile of ['q8', 'q4', 'f32']) {
    const pack = ['pack', 'tales.bin', '--profile', profile];
    if (profile === 'f32') pack.push('--drafts', '20000');
    native([...pack, '-o', 'native.plm'], { cwd: folder });
    const packed = wasm([...pack, '-o', `${profile}.plm`]);
    assert.equal(packed.status, 0, packed.stderr);
    assert.deepEqual(readFileSync(join(folder, `${profile}.plm`)), readFileSync(join(folder, 'native.plm')));
  }
  const absolute = wasm(['pack', MODEL, '-z', TOKENIZER, '-o', join(folder, 'absolute.plm')]);
  assert.equal(absolute.status, 0, absolute.stderr);
  assert.deepEqual(readFileSync(join(folder, 'absolute.plm')), readFileSync(join(folder, 'q8.plm')));
  wasm(['uf2', 'q8.plm', 'q4.plm', '-o', 'two.uf2']);
  native(['uf2', 'q8.plm', 'q4.plm', '-o', 'native.uf2'], { cwd: folder });
  assert.deepEqual(readFileSync(join(folder, 'two.uf2')), readFileSync(join(folder, 'native.uf2')));
  writeFileSync(join(folder, 'text.txt'), 'Once upon a time there was a fox. He had a red ball.\n');
  for (const words of [
    ['run', 'q8.plm', '-i', 'Once upon a time', '-t', '0'],
    ['run', 'f32.plm', '-t', '0.9', '-s', '7', '-n', '90'],
    ['info', 'two.uf2'],
    ['info', 'tales.bin'],
    ['eval', 'q4.plm', 'text.txt'],
    ['pack', 'text.txt', '-o', 'x.plm'],
    ['pack', 'missing.bin', '-o', 'x.plm'],
    ['pack', 'tales.bin', '--profil', 'q8'],
    ['run', 'q8.plm', '-t', 'hot'],
  ]) {
    const { here, there } = both(words);
    const steady = (text) => text.replace(/[\d.]+ (tok|tokens)\/s/g, 'N $1/s');
    // Pointers have 32 bits here, as on the board; the native command counts its own.
    const sized = (text) =>
      text.replace(/(working_bytes +)\d+/g, '$1N').replace(/\d+ of (\d+) bytes/g, 'N of $1 bytes');
    assert.equal(sized(here.stdout), sized(there.stdout), words.join(' '));
    assert.equal(steady(here.stderr), steady(there.stderr), words.join(' '));
    assert.equal(here.status, there.status, words.join(' '));
  }
});

test('simulate: the same story in the same cycles', { timeout: HANG }, () => {
  const words = [
    'simulate',
    join(PAGE, 'story.uf2'),
    '--send',
    '/steps 40',
    '--send',
    'The old fox',
    '--expect',
    'tok/s',
  ];
  const here = wasm([...words, '--stats', 'here.json']);
  const there = native([...words, '--stats', 'there.json'], { cwd: folder });
  assert.equal(here.stdout, there);
  assert.equal(here.status, 0, here.stderr);
  assert.equal(
    readFileSync(join(folder, 'here.json'), 'utf8'),
    readFileSync(join(folder, 'there.json'), 'utf8'),
  );
  const absent = wasm(['simulate', 'none.uf2']);
  assert.match(absent.stderr, /none.uf2: cannot be read/);
});
