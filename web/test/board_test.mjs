// Real boards at the page, by WebUSB and Web Serial: the stand-ins of stand_in.ts carry the bytes to a second virtual board, to the
// boot ROM's PICOBOOT and the firmware's serial port.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  downloaded,
  HANG,
  launchBrowser,
  MODEL,
  native,
  PAGE,
  ROOT,
  requirePage,
  serve,
  skip,
  TOKENIZER,
  tellByForm,
  waitForConsole,
} from './support.mjs';

requirePage();
const browser = await launchBrowser();
let esbuild;
try {
  esbuild = await import('esbuild');
} catch {
  skip('no esbuild: npm ci --prefix web');
}
const bundled = async (name, format) => {
  const options = { bundle: true, write: false, target: 'es2022', format };
  const { outputFiles } = await esbuild.build({ ...options, entryPoints: [join(ROOT, 'web/test', name)] });
  return outputFiles[0].text;
};
const server = await serve(
  PAGE,
  0,
  new Map([['/device_worker.js', await bundled('device_worker.ts', 'esm')]]),
);
const context = await browser.newContext({ acceptDownloads: true, serviceWorkers: 'block' });
context.setDefaultTimeout(HANG);
const page = await context.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(error.message));
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-board-'));

before(async () => {
  await page.addInitScript({ content: await bundled('stand_in.ts', 'iife') });
  await page.goto(server.address);
});
after(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
  assert.deepEqual(problems, []);
});

/** Plugs in a board with these files of the page in its flash. */
async function plug(board, files, button = false) {
  await page.evaluate(
    async ({ board, files, button }) => {
      const images = await Promise.all(
        files.map(async (name) => ({ name, bytes: new Uint8Array(await (await fetch(name)).arrayBuffer()) })),
      );
      window.cable.send({ kind: 'unplug-after', bytes: Number.POSITIVE_INFINITY });
      window.cable.send({ kind: 'plug', board, images, button });
    },
    { board, files, button },
  );
  await page.waitForFunction(() => window.cable.device());
}
const send = (message) => page.evaluate((message) => window.cable.send(message), message);
const fault = (faults) => page.evaluate((faults) => void Object.assign(window.cable.faults, faults), faults);
const unplug = async () => {
  await send({ kind: 'unplug' });
  await page.waitForFunction(() => !window.cable.device());
};
async function says(id, pattern) {
  const test = ({ id, pattern }) => new RegExp(pattern).test(document.getElementById(id).textContent);
  try {
    await page.waitForFunction(test, { id, pattern: pattern.source });
  } catch {
    throw new Error(`#${id} does not say ${pattern} but: ${await page.textContent(`#${id}`)}`);
  }
}

test('Web Serial: each thing that can go wrong is said, with what to do', { timeout: HANG }, async () => {
  await plug('pico-plus-2-w', [], true);
  await page.click('#serial'); // in BOOTSEL mode there is no serial port to choose
  await says('message', /BOOTSEL mode is a drive/);
  await unplug();
  await plug('pico-plus-2-w', ['story.uf2']);
  await fault({ serialRefusal: 'SecurityError' });
  await page.click('#serial');
  await says('message', /settings of this site/);
  await fault({ serialRefusal: '', portTaken: true });
  await page.click('#serial');
  await says('message', /another program has it/);
  await fault({ portTaken: false });
  await page.evaluate(async () => {
    window.port = await navigator.serial.requestPort({ filters: [{ usbVendorId: 0x2e8a }] });
    await window.port.open({ baudRate: 115200 });
  });
  await page.click('#serial');
  await says('message', /open already/);
  await page.evaluate(() => window.port.close());
});

test('Web Serial: the console of the firmware’s own port, until it is unplugged', {
  timeout: HANG,
}, async () => {
  await page.click('#serial');
  await says('message', /^Connected/);
  await waitForConsole(page, /model {3}q8[\s\S]*> $/);
  await page.click('#terminal');
  await page.keyboard.type('/temp 0.5');
  await page.keyboard.press('Enter');
  await waitForConsole(page, /temperature 0\.5/);

  // A story by form, in the board's JSON; its settings are those of before afterwards. A short one that the model ends.
  const story = await tellByForm(page, 'The old fox went home and was happy.', '0.9', '212');
  await says('story-line', /tok\/s; seed 212$/);
  assert.equal((await page.textContent('#board-story')).trimEnd(), story.trimEnd());
  await page.waitForSelector('#story-tell:enabled');
  await page.click('#terminal');
  await page.keyboard.type('/settings');
  await page.keyboard.press('Enter');
  await waitForConsole(page, /\/settings[\s\S]*temperature 0\.5[\s\S]*seed random/);

  await page.click('#report');
  await says('message', /rows are the same on both boards/);
  const report = (await downloaded(page, '#report-file')).toString('utf8').split('\n');
  const rows = report.slice(1, -1).map((line) => line.split('\t'));
  assert.deepEqual(
    rows,
    await page.evaluate(() =>
      [...document.querySelectorAll('#report-rows tr')].map((row) =>
        [...row.cells].map((cell) => cell.textContent),
      ),
    ),
  );
  const row = (name) => rows.find(([first]) => first === name);
  for (const name of [
    '/selftest greedy story, 2 cores',
    '/selftest model image',
    '/bench kernel matmul_q8',
  ]) {
    const [, real, virtual, difference] = row(name);
    assert.equal(real, virtual, name);
    assert.equal(difference, '', name);
  }
  assert.match(row('/selftest greedy story, 2 cores')[1], /^ok: 64 tokens, digest [0-9a-f]{8}/);
  assert.match(
    row('/bench token, 2 cores, position 63')[2],
    /^\d+,\d+ cycles: embedding .* classifier [\d,]+$/,
  );
  assert.match(row('/selftest selftest')[1], /^0 failed/);

  // Unplugged in the middle of a story that has no end.
  await page.click('#terminal');
  await page.keyboard.type('/endless on');
  await page.keyboard.press('Enter');
  await waitForConsole(page, /\/endless on\s+endless on/);
  await page.fill('#story-prompt', 'The old fox');
  await page.fill('#story-seed', '');
  await page.click('#story-tell');
  await says('board-story', /The old fox \w+/);
  await unplug();
  await says('story-line', /the board was disconnected/);
  await says('message', /unplugged/);
  assert.match(await page.textContent('#serial'), /Connect/);
});

test('two boards are compared row by row', async () => {
  const { compared, rowsOf } = await import(
    `data:text/javascript;base64,${Buffer.from(await bundled('../src/board_report.ts', 'esm')).toString('base64')}`
  );
  const answer = (speed, cycles, random) =>
    `ok      random source         ${random}\nFAILED  kernel swiglu         3 shapes differ\n` +
    `read flash: one core ${speed} MB/s, two\ncores 19.5 MB/s\nkernel argmax     ${cycles} cycles\n`;
  const real = rowsOf('/x', answer('30.0', '1,100', 'aa11'));
  const virtual = rowsOf('/x', answer('33.0', '1,000', 'bb22'));
  virtual.push({ name: '/x LED', value: 'lit' });
  assert.deepEqual(
    compared(real, virtual).map(({ name, real, difference }) => [name, real, difference]),
    [
      ['/x random source', 'ok: aa11', 'differs'],
      ['/x kernel swiglu', 'FAILED: 3 shapes differ', ''],
      ['/x read flash', 'one core 30.0 MB/s, two cores 19.5 MB/s', '-9.1 %'],
      ['/x kernel argmax', '1,100 cycles', '10.0 %'],
      ['/x LED', '(no such row)', 'differs'],
    ],
  );
});

test('WebUSB: from a running firmware to BOOTSEL mode, a cable that is pulled, and the write begun again', {
  timeout: HANG,
}, async () => {
  await plug('pico-plus-2-w', ['firmware.uf2']);
  await page.click('#picoboot');
  // To the browser the board in BOOTSEL mode is a device that nobody has allowed yet.
  await says('flash-message', /press again and choose “RP2350 Boot”/);
  await page.waitForFunction(() => window.cable.device()?.productId === 0x000f);
  await send({ kind: 'unplug-after', bytes: 150_000 });
  await page.click('#picoboot');
  await says('flash-message', /broke off after [1-9]\d* of 1\d\d sectors/);
  await page.evaluate(() => {
    const message = document.getElementById('flash-message');
    window.messages = [];
    new MutationObserver(() => window.messages.push(message.textContent)).observe(message, {
      childList: true,
    });
  });
  await send({ kind: 'replug', button: false }); // nothing half-written boots
  await says('flash-message', /read back without a difference/);
  const messages = await page.evaluate(() => window.messages);
  assert.ok(messages.some((message) => /: [1-9]\d* of 1\d\d sectors/.test(message)));
  await page.waitForFunction(() => window.cable.device()?.productId === 0x0009);
  await page.click('#serial');
  await says('message', /^Connected/);
  await page.click('#terminal');
  await waitForConsole(page, /model {3}q8[\s\S]*> $/);
  await page.keyboard.type('/steps 32');
  await page.keyboard.press('Enter');
  await waitForConsole(page, /\/steps 32\s+steps 32/);
  await page.keyboard.type('The old fox');
  await page.keyboard.press('Enter');
  const told = await waitForConsole(page, /The old fox[\s\S]*tok\/s/);
  assert.match(told, /The old fox\s+\w+ \w+[\s\S]*\[\d+ tokens/);
  await page.click('#serial');
  await says('message', /this is the simulation again/);
  await unplug();
});

test('WebUSB: a firmware for another chip is not written; the right one is, and boots', {
  timeout: HANG,
}, async () => {
  await plug('pico2', [], true);
  await fault({ usbRefused: true });
  await page.click('#picoboot');
  await says('flash-message', /settings of this site/);
  await fault({ usbRefused: false });
  await page.click('#picoboot');
  await says('flash-message', /RP2350A \(30 GPIOs\)/);
  const boards = await page.evaluate(() =>
    [...document.getElementById('flash-board').options].map(({ value }) => value),
  );
  if (boards.includes('pico-2')) {
    await page.selectOption('#flash-board', 'pico-2');
    await page.waitForSelector('#flash-file[href^="blob:"]');
    native(['pack', MODEL, '-z', TOKENIZER, '--profile', 'q8', '-o', join(folder, 'model.plm')]);
    const firmware = join(PAGE, 'firmware-pico-2.uf2');
    native(['uf2', firmware, join(folder, 'model.plm'), '-o', join(folder, 'story.uf2')]);
    assert.deepEqual(await downloaded(page, '#flash-file'), readFileSync(join(folder, 'story.uf2')));
    await page.selectOption('#flash-content', 'firmware');
    await page.click('#picoboot');
    await says('flash-message', /read back without a difference/);
    await page.waitForFunction(() => window.cable.device()?.productId === 0x0009);
    await page.click('#serial');
    await waitForConsole(page, /on pico2[\s\S]*model {3}none/);
    await page.click('#serial');
  }
  await unplug();
  await page.click('#picoboot');
  await says('flash-message', /No board was chosen/);
});
