// 58 MB are packed in the page, byte for byte as by the native command. It tells stories for drafts: minutes of processor time.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { largeCheckpoint } from './large_checkpoint.mjs';
import { downloaded, launchBrowser, native, requirePage, serve } from './support.mjs';

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

test('58 MB are packed', { timeout: HANG }, async () => {
  const context = await browser.newContext({ acceptDownloads: true });
  context.setDefaultTimeout(HANG);
  const page = await context.newPage();
  await page.goto(server.address);
  const [checkpoint, tokenizer] = largeCheckpoint(folder);
  await page.setInputFiles('#files', [checkpoint, tokenizer]);
  await page.selectOption('#profile', 'q8');
  await page.click('#pack');
  await page.waitForSelector('#packed:not([hidden])');
  const cartridge = join(folder, 'large.uf2');
  native(['pack', checkpoint, '-z', tokenizer, '--profile', 'q8', '-o', cartridge]);
  assert.ok(readFileSync(cartridge).equals(await downloaded(page, '#model-uf2')));
});
