// The page in Chromium, against the native command: the same story in the same cycles, the same cartridge, the same errors.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { largeCheckpoint } from './large_checkpoint.mjs';
import {
  downloaded,
  HANG,
  launchBrowser,
  MODEL,
  native,
  nativeError,
  PAGE,
  plain,
  requirePage,
  savedText,
  serve,
  TOKENIZER,
  tellByForm,
  waitForConsole,
} from './support.mjs';

requirePage();
const browser = await launchBrowser();
const folder = mkdtempSync(join(tmpdir(), 'pico-llama-page-'));
const server = await serve();
const context = await browser.newContext({ acceptDownloads: true });
context.setDefaultTimeout(HANG);
const page = await context.newPage();
const problems = [];
page.on('pageerror', (error) => problems.push(error.message));

after(async () => {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
});

before(async () => {
  await page.goto(server.address);
});

test('the first story is the native board’s, with the same cycles', { timeout: HANG }, async () => {
  await page.waitForFunction(() => document.documentElement.dataset.firstStory);
  const stats = join(folder, 'stats.json');
  const script = join(folder, 'first-story');
  writeFileSync(script, await page.evaluate(() => document.documentElement.dataset.firstScript));
  const told = native(['simulate', join(PAGE, 'story.uf2'), '--script', script, '--stats', stats]);
  assert.match(plain(told), /Once upon a time[\s\S]{200}/);
  // The board goes on, so the console may have more than the native run, which ends with the story.
  const text = plain((await downloaded(page, '#save')).toString('utf8'));
  assert.equal(text.slice(0, plain(told).length), plain(told));
  const here = await page.evaluate(() => document.documentElement.dataset.firstStory);
  assert.equal(here, readFileSync(stats, 'utf8'));
  assert.match(await page.textContent('#share'), /real time/);
  assert.match(await page.textContent('#speed'), /tok\/s on the board/);
  // Wrapped at words for this terminal: none is in two rows.
  const rows = await page.evaluate(() =>
    [...document.querySelectorAll('#terminal .xterm-rows > div')].map((row) => row.textContent),
  );
  const words = plain(told).split('Once upon a time,')[1].split('\n[')[0].trim().split(/\s+/);
  assert.ok(words.length > 50);
  assert.deepEqual(
    words.filter((word) => !rows.some((row) => row.includes(word))),
    [],
  );
});

test('typing, /help and Ctrl-C', { timeout: HANG }, async () => {
  await page.click('#terminal');
  await page.keyboard.type('/help');
  await page.keyboard.press('Enter');
  const help = await waitForConsole(page, /\/help[\s\S]*\/bench[\s\S]*\n> /);
  await page.keyboard.type('The old fox');
  await page.keyboard.press('Enter');
  const begun = /The old fox[\s\S]*The old fox \w+ \w+/;
  const length = help.length;
  for (;;) {
    const text = (await savedText(page)).slice(length);
    if (begun.test(text)) break;
    await page.waitForTimeout(200);
  }
  await page.keyboard.press('Control+c');
  const ended = (
    await waitForConsole(page, /The old fox[\s\S]*The old fox[\s\S]*\[\d+ tokens[^\]]*\]/)
  ).slice(length);
  assert.match(ended, /The old fox[\s\S]*tok\/s/);
});

test('a story by form is the board’s own, and can be stopped', { timeout: HANG }, async () => {
  const story = await tellByForm(page, 'The old "fox" went home and was happy.', '0.7', '5');
  await page.waitForFunction(() => document.getElementById('story-line').textContent);
  assert.match(await page.textContent('#story-line'), /^\d+ tokens, [\d.]+ tok\/s; seed 5$/);
  assert.equal((await page.textContent('#board-story')).trimEnd(), story.trimEnd());

  await page.waitForSelector('#story-tell:enabled');
  await page.fill('#story-prompt', 'The old "fox"');
  await page.fill('#story-seed', '');
  // In the page, so that the story cannot end before.
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const story = document.getElementById('board-story');
        const observer = new MutationObserver(() => {
          if (story.textContent.length < 40) return;
          observer.disconnect();
          document.getElementById('story-stop').click();
          resolve();
        });
        observer.observe(story, { childList: true, characterData: true, subtree: true });
        document.getElementById('story-tell').click();
      }),
  );
  await page.waitForFunction(() => /; stopped$/.test(document.getElementById('story-line').textContent));
  await page.waitForSelector('#story-tell:enabled');

  await page.fill('#story-temperature', '11');
  await page.evaluate(() => {
    document.getElementById('story-form').noValidate = true;
  });
  await page.click('#story-tell');
  await page.waitForFunction(() =>
    /the board says: /.test(document.getElementById('story-line').textContent),
  );
  await page.waitForSelector('#story-tell:enabled');

  // The console is the user's again, with the board's settings of before.
  const length = (await savedText(page)).length;
  await page.click('#terminal');
  await page.keyboard.type('/settings');
  await page.keyboard.press('Enter');
  const settings = (await waitForConsole(page, /\/settings[\s\S]*seed random[\s\S]*\n> $/)).slice(length);
  assert.doesNotMatch(settings, /temperature 0\.7|json on/);
});

/** The native command's cartridge of the page's model. */
function packed(profile) {
  const cartridge = join(folder, `${profile}.uf2`);
  if (!existsSync(cartridge)) native(['pack', MODEL, '-z', TOKENIZER, '--profile', profile, '-o', cartridge]);
  return cartridge;
}

/** As a file manager does. */
async function dropFiles(paths) {
  const files = paths.map((path) => ({
    name: basename(path),
    bytes: readFileSync(path).toString('base64'),
  }));
  await page.evaluate((files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, bytes } of files)
      dataTransfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
    const drop = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true });
    document.getElementById('drop').dispatchEvent(drop);
  }, files);
}

test('a dropped checkpoint becomes the cartridge that pack makes, and tells pack’s stories', {
  timeout: HANG,
}, async () => {
  for (const profile of ['q8', 'q4']) {
    const cartridge = packed(profile);
    await dropFiles([MODEL, TOKENIZER]);
    await page.selectOption('#profile', profile);
    await page.click('#pack');
    await page.waitForSelector('#packed:not([hidden])');
    assert.deepEqual(await downloaded(page, '#model-uf2'), readFileSync(cartridge));
    const story = native(['run', cartridge, '-i', 'The old fox', '-t', '0.7', '-s', '5']);
    await page.fill('#prompt', 'The old fox');
    await page.fill('#temperature', '0.7');
    await page.fill('#seed', '5');
    await page.click('#tell');
    await page.waitForFunction((told) => document.getElementById('story').textContent === told, story);
  }
  const joined = join(folder, 'story.uf2');
  native(['uf2', join(PAGE, 'firmware.uf2'), packed('q4'), '-o', joined]);
  await page.waitForSelector('#story-uf2[href^="blob:"]');
  assert.deepEqual(await downloaded(page, '#story-uf2'), readFileSync(joined));
});

test('packing 58 MB shows its progress and can be cancelled', { timeout: HANG }, async () => {
  await page.setInputFiles('#files', largeCheckpoint(folder));
  await page.selectOption('#profile', 'q8');
  // In the page, so that the packer cannot end before.
  const percent = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const progress = document.getElementById('progress');
        const observer = new MutationObserver(() => {
          if (progress.hidden || progress.value === 0) return;
          observer.disconnect();
          resolve(progress.value);
          document.getElementById('cancel').click();
        });
        observer.observe(progress, { attributes: true });
        document.getElementById('pack').click();
      }),
  );
  assert.ok(percent > 0 && percent <= 100);
  await page.waitForFunction(() => /cancelled/.test(document.getElementById('pack-log').textContent));
  assert.equal(await page.isVisible('#packed'), false);
});

test('bad files say the packer’s own line', { timeout: HANG }, async () => {
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
    // The line may come in parts, all before the end of the run.
    await page.waitForFunction(
      () =>
        /pico-llama: /.test(document.getElementById('pack-log').textContent) &&
        !document.getElementById('pack').disabled,
    );
    assert.equal(await page.textContent('#pack-log'), line);
    assert.equal(await page.isVisible('#packed'), false);
  }
});

test('accessible: names, the keyboard, contrast in light and dark, and a phone’s width', {
  timeout: HANG,
}, async () => {
  const session = await context.newCDPSession(page);
  await session.send('Accessibility.enable');
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const controls = nodes.filter(
    ({ ignored, role }) =>
      !ignored &&
      /^(button|link|textbox|combobox|spinbutton|image|meter|progressbar|application)$/i.test(role?.value),
  );
  assert.ok(controls.length >= 18);
  assert.deepEqual(
    controls
      .filter(({ name }) => !name?.value)
      .map(({ role, backendDOMNodeId }) => [role.value, backendDOMNodeId]),
    [],
  );
  // Tab reaches the console and each control that can be used, and leaves the console again.
  const reached = new Set();
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 60; ++i) {
    if ([...reached].at(-1) === 'terminal') await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    reached.add(
      await page.evaluate(() => {
        const at = document.activeElement;
        return at.closest('#terminal') ? 'terminal' : at.id;
      }),
    );
  }
  for (const id of [
    'terminal',
    'story-prompt',
    'story-tell',
    'interrupt',
    'restart',
    'files',
    'profile',
    'flash-board',
    'flash-content',
    'flash-file',
  ])
    assert.ok(reached.has(id), `Tab does not reach #${id}: ${[...reached]}`);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const faint = await page.evaluate(() => {
      const numbers = (color) => color.match(/[\d.]+/g).map(Number);
      const luminance = (color) => {
        const [r, g, b] = numbers(color).map((value) =>
          value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
        );
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const paper = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = getComputedStyle(at).backgroundColor;
          if ((numbers(color)[3] ?? 1) === 1) return color;
        }
        return 'rgb(255, 255, 255)';
      };
      const texts = [
        ...document.querySelectorAll(
          'h1, h2, h3, p, li, a, button, label, select, input, dt, dd, th, td, caption, summary',
        ),
      ];
      return texts
        .filter(
          (element) => element.checkVisibility() && !element.disabled && !element.closest('#terminal, #plot'),
        )
        .map((element) => {
          const [a, b] = [luminance(getComputedStyle(element).color), luminance(paper(element))];
          return {
            what: element.id || element.textContent.trim().slice(0, 30),
            ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
          };
        })
        .filter(({ ratio }) => ratio < 4.5); // WCAG 2.1, 1.4.3
    });
    assert.deepEqual(faint, [], colorScheme);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  const before = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  // The plot and the console learn of the new width in a ResizeObserver, a frame later.
  await page.waitForFunction(() => document.documentElement.scrollWidth === 360, undefined, {
    timeout: 120_000,
  });
  await page.setViewportSize(before);
});

test('reloaded without a network, it boots the board', { timeout: HANG }, async () => {
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  server.close();
  await context.setOffline(true);
  await page.reload();
  await waitForConsole(page, /model {3}q8/);
  assert.deepEqual(problems, []);
});
