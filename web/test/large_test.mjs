// Packing in the page that takes minutes of processor time, because it tells stories for drafts: of 58 MB, byte for byte as by the
// native command, and in every profile.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { largeCheckpoint } from './large_checkpoint.mjs';
import { downloaded, launchBrowser, MODEL, native, PAGE, requirePage, serve, TOKENIZER } from './support.mjs';

requirePage();
const browser = await launchBrowser();
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-large-'));
const server = await serve();
const HANG = 3_600_000;

after(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
});

async function newPage() {
  const context = await browser.newContext({ acceptDownloads: true });
  context.setDefaultTimeout(HANG);
  const page = await context.newPage();
  await page.goto(server.address);
  return page;
}

test('58 MB are packed', { timeout: HANG }, async () => {
  const page = await newPage();
  const [checkpoint, tokenizer] = largeCheckpoint(folder);
  await page.setInputFiles('#files', [checkpoint, tokenizer]);
  await page.selectOption('#profile', 'q8');
  await page.click('#pack');
  await page.waitForSelector('#packed:not([hidden])');
  const cartridge = join(folder, 'large.uf2');
  native(['pack', checkpoint, '-z', tokenizer, '--profile', 'q8', '-o', cartridge]);
  assert.ok(readFileSync(cartridge).equals(await downloaded(page, '#model-uf2')));
});

test('the profiles are compared: bytes, boards, and the speed of the virtual board', {
  timeout: HANG,
}, async () => {
  const page = await newPage();
  await page.setInputFiles('#files', [MODEL, TOKENIZER]);
  await page.click('#compare');
  await page.waitForFunction(
    () => document.querySelectorAll('#profile-rows tr:nth-child(3) td:last-child:not(:empty)').length === 1,
  );
  await page.waitForFunction(() => !/being tried/.test(document.getElementById('profile-rows').textContent));
  const rows = await page.evaluate(() =>
    [...document.querySelectorAll('#profile-rows tr')].map((row) =>
      [...row.cells].map((cell) => cell.textContent),
    ),
  );
  assert.deepEqual(
    rows.map(([profile]) => profile),
    ['q8', 'q4', 'f32'],
  );
  for (const [profile, bytes, plus2, pico2, speed] of rows) {
    const cartridge = join(folder, `${profile}.uf2`);
    native(['pack', MODEL, '-z', TOKENIZER, '--profile', profile, '-o', cartridge]);
    const [image] = JSON.parse(native(['info', cartridge, '--json'])).models;
    assert.equal(bytes, `${image.bytes.toLocaleString('en')} B`);
    assert.match(plus2, /^yes: \d+ of \d+ bytes of SRAM/);
    assert.match(pico2, /^(yes|no): /);
    const send = ['/temp 0', '/steps 24', 'Once upon a time'].flatMap((line) => ['--send', line]);
    const told = native(['simulate', join(PAGE, 'firmware.uf2'), cartridge, ...send, '--expect', 'tok/s']);
    assert.equal(speed, told.match(/tokens, ([\d.]+ tok\/s)/)[1]);
  }
});
