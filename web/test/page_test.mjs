// The page in Chromium, against the native command: the same story in the same cycles, the same cartridge, the same errors.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  launchBrowser,
  MODEL,
  native,
  nativeError,
  PAGE,
  requirePage,
  serve,
  TOKENIZER,
} from './support.mjs';

requirePage();
const browser = await launchBrowser();
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-page-'));
const server = await serve();
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(error.message));

after(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
});

async function downloaded(selector) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return readFileSync(await download.path());
}
/** Without the line editor's escape sequences, which come wherever a user pauses. */
const plain = (text) => text.replaceAll(new RegExp(`${'\u001b'}(\\[[0-9;?]*[A-Za-z]|[78])`, 'g'), '');
/** The text that the page would save. A click by the program leaves the focus in the terminal, where keys go. */
const savedText = (of) =>
  of.evaluate(async () => {
    const save = document.getElementById('save');
    save.addEventListener('click', (event) => event.preventDefault(), { once: true });
    save.click();
    return (await fetch(save.href)).text();
  });
const consoleText = async () => plain(await savedText(page));
async function waitForConsole(pattern) {
  for (;;) {
    const text = await consoleText();
    if (pattern.test(text)) return text;
    await page.waitForTimeout(300);
  }
}

before(async () => {
  await page.goto(server.address);
});

test('the first story is the native board’s, with the same cycles', { timeout: 240_000 }, async () => {
  const stats = join(folder, 'stats.json');
  const words = [
    'simulate',
    join(PAGE, 'story.uf2'),
    '--send',
    'Once upon a time',
    '--expect',
    'tok/s',
    '--stats',
    stats,
  ];
  const told = native(words);
  assert.match(told, /Once upon a time.{200}/s);
  await page.waitForFunction(() => document.documentElement.dataset.firstStory, null, { timeout: 200_000 });
  // The board goes on, so the console may have more than the native run, which ends with the story.
  const text = plain((await downloaded('#save')).toString('utf8'));
  assert.equal(text.slice(0, plain(told).length), plain(told));
  const here = await page.evaluate(() => document.documentElement.dataset.firstStory);
  assert.equal(here, readFileSync(stats, 'utf8'));
  assert.match(await page.textContent('#share'), /real time/);
  assert.match(await page.textContent('#speed'), /tok\/s on the board/);
});

test('typing, /help and Ctrl-C', { timeout: 120_000 }, async () => {
  await page.click('#terminal');
  await page.keyboard.type('/help');
  await page.keyboard.press('Enter');
  const help = await waitForConsole(/\/help[\s\S]*\/bench[\s\S]*\n> /);
  await page.keyboard.type('The old fox');
  await page.keyboard.press('Enter');
  const begun = /The old fox[\s\S]*The old fox \w+ \w+/;
  const length = help.length;
  for (;;) {
    const text = (await consoleText()).slice(length);
    if (begun.test(text)) break;
    await page.waitForTimeout(200);
  }
  await page.keyboard.press('Control+c');
  const ended = (await waitForConsole(/The old fox[\s\S]*The old fox[\s\S]*\[\d+ tokens[^\]]*\]/)).slice(
    length,
  );
  assert.match(ended, /The old fox[\s\S]*tok\/s/);
});

test('a checkpoint becomes the cartridge that pack makes, and tells pack’s stories', {
  timeout: 240_000,
}, async () => {
  for (const profile of ['q8', 'f32']) {
    const cartridge = join(folder, `${profile}.uf2`);
    native(['pack', MODEL, '-z', TOKENIZER, '--profile', profile, '-o', cartridge]);
    await page.setInputFiles('#files', [MODEL, TOKENIZER]);
    await page.selectOption('#profile', profile);
    await page.click('#pack');
    await page.waitForSelector('#packed:not([hidden])', { timeout: 60_000 });
    assert.deepEqual(await downloaded('#model-uf2'), readFileSync(cartridge));
    const story = native(['run', cartridge, '-i', 'The old fox', '-t', '0.7', '-s', '5']);
    await page.fill('#prompt', 'The old fox');
    await page.fill('#temperature', '0.7');
    await page.fill('#seed', '5');
    await page.click('#tell');
    await page.waitForFunction((told) => document.getElementById('story').textContent === told, story, {
      timeout: 60_000,
    });
  }
  const joined = join(folder, 'story.uf2');
  native(['uf2', join(PAGE, 'firmware.uf2'), join(folder, 'f32.uf2'), '-o', joined]);
  await page.waitForSelector('#story-uf2[href^="blob:"]');
  await page.waitForFunction(() => document.getElementById('pack-log').textContent !== '');
  assert.deepEqual(await downloaded('#story-uf2'), readFileSync(joined));
});

test('bad files say the packer’s own line', { timeout: 60_000 }, async () => {
  const cases = {
    'text.bin': 'This is no checkpoint.\n'.repeat(9),
    'cut.bin': readFileSync(MODEL).subarray(0, 100_000),
    'empty.bin': '',
  };
  for (const [name, content] of Object.entries(cases)) {
    writeFileSync(join(folder, name), content);
    const line = nativeError(['pack', name, '--profile', 'q8', '-z', TOKENIZER, '-o', 'out.uf2'], {
      cwd: folder,
    });
    await page.setInputFiles('#files', [join(folder, name), TOKENIZER]);
    await page.selectOption('#profile', 'q8');
    await page.click('#pack');
    await page.waitForFunction(() => /pico-llama: /.test(document.getElementById('pack-log').textContent));
    assert.equal(await page.textContent('#pack-log'), line);
    assert.equal(await page.isVisible('#packed'), false);
  }
});

test('Web Serial: a board with the firmware’s own USB port, and what can go wrong', {
  timeout: 240_000,
}, async () => {
  const other = await context.newPage();
  other.on('pageerror', (error) => problems.push(error.message));
  // navigator.serial of this page is a cable to a second virtual board: bytes go through its USB controller and the
  // firmware's CDC.
  await other.addInitScript(() => {
    let refusal = '';
    let worker;
    let pull;
    const port = {
      async open({ baudRate }) {
        if (baudRate === 1200) throw new Error('1200 baud asks for BOOTSEL mode');
        const module = await WebAssembly.compileStreaming(fetch('pico-llama.wasm'));
        const bytes = new Uint8Array(await (await fetch('story.uf2')).arrayBuffer());
        worker = new Worker('board_worker.js', { type: 'module' });
        port.readable = new ReadableStream({
          start(controller) {
            pull = () => controller.error(new DOMException('The device has been lost.', 'NetworkError'));
            worker.onmessage = ({ data }) => data.kind === 'output' && controller.enqueue(data.bytes);
          },
        });
        port.writable = new WritableStream({
          write: (chunk) => worker.postMessage({ kind: 'type', bytes: chunk }),
        });
        worker.postMessage({
          kind: 'boot',
          module,
          images: [{ name: 'story.uf2', bytes }],
          board: 'pico-plus-2-w',
          script: '',
        });
      },
      async close() {
        worker.terminate();
      },
    };
    window.serialFault = { refuse: (name) => (refusal = name), unplug: () => pull() };
    Object.defineProperty(navigator, 'serial', {
      value: {
        async requestPort({ filters }) {
          if (filters[0].usbVendorId !== 0x2e8a) throw new Error('another vendor');
          if (refusal) throw new DOMException('refused', refusal);
          return port;
        },
      },
    });
  });
  await other.goto(server.address);
  for (const [name, words] of [
    ['NotFoundError', /BOOTSEL/],
    ['SecurityError', /settings/],
    ['InvalidStateError', /another window/],
    ['NetworkError', /another program/],
  ]) {
    await other.evaluate((refusal) => window.serialFault.refuse(refusal), name);
    await other.click('#serial');
    await other.waitForFunction(
      (pattern) => new RegExp(pattern).test(document.getElementById('message').textContent),
      words.source,
    );
  }
  await other.evaluate(() => window.serialFault.refuse(''));
  await other.click('#serial');
  const log = () => savedText(other);
  const waitFor = async (pattern) => {
    while (!pattern.test(await log())) await other.waitForTimeout(300);
  };
  await waitFor(/model {3}q8[\s\S]*> $/);
  await other.click('#terminal');
  await other.keyboard.type('/temp 0.5');
  await other.keyboard.press('Enter');
  await waitFor(/temperature 0\.5/);
  await other.evaluate(() => window.serialFault.unplug());
  await other.waitForFunction(() => /unplugged/.test(document.getElementById('message').textContent));
  assert.match(await other.textContent('#serial'), /Connect/);
  await other.close();
});

test('reloaded without a network, it boots the board', { timeout: 60_000 }, async () => {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  server.close();
  await context.setOffline(true);
  await page.reload();
  await waitForConsole(/model {3}q8/);
  assert.deepEqual(problems, []);
});
