// Shared by the page's tests: a web server for the page's folder, the browser, the native command.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Milliseconds after which something hangs; on a busy machine a step may take minutes. */
export const HANG = 600_000;
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const PAGE = process.env.PICO_LLAMA_PAGE ?? join(ROOT, 'build/web');
export const NATIVE = process.env.PICO_LLAMA ?? join(ROOT, 'build/host/tools/pico-llama');
export const MODEL = join(ROOT, 'models/pico-tales.bin');
export const TOKENIZER = join(ROOT, 'models/pico-tales.tok.bin');

/** ctest's SKIP_RETURN_CODE. */
export function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

export function requirePage() {
  if (!existsSync(join(PAGE, 'index.html'))) skip('the page is not built: scripts/build-page.sh');
  if (!existsSync(NATIVE)) skip('the pico-llama command is not built');
}

/** Chromium through playwright-core; skips the test where one is missing. */
export async function launchBrowser() {
  const found = spawnSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], {
    encoding: 'utf8',
  });
  if (found.status !== 0) skip('no chromium: scripts/setup.sh --tests');
  let playwright;
  try {
    playwright = await import('playwright-core');
  } catch {
    skip('no playwright-core: npm ci --prefix web');
  }
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return playwright.chromium.launch({ executablePath: found.stdout.trim(), args });
}

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Serves the page's folder, and `extra` files, on localhost; returns its address and a function that ends it. */
export async function serve(folder = PAGE, port = 0, extra = new Map()) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    const file = join(folder, normalize(path === '/' ? '/index.html' : path));
    try {
      const body = extra.get(path) ?? readFileSync(file);
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { address: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

/** Output of the native command; its errors are the test's. */
export function native(words, options = {}) {
  return execFileSync(NATIVE, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** The one line that a command prints when it fails. */
export function nativeError(words, options = {}) {
  const run = spawnSync(NATIVE, words, { encoding: 'utf8', ...options });
  if (run.status === 0) throw new Error(`pico-llama ${words.join(' ')} did not fail`);
  return run.stderr;
}

/** Without the line editor's escape sequences, which come wherever a user pauses. */
export const plain = (text) => text.replaceAll(new RegExp(`${'\u001b'}(\\[[0-9;?]*[A-Za-z]|[78])`, 'g'), '');

/** The text that the page would save. A click by the program leaves the focus in the terminal, where keys go. */
export const savedText = async (page) =>
  plain(
    await page.evaluate(async () => {
      const save = document.getElementById('save');
      save.addEventListener('click', (event) => event.preventDefault(), { once: true });
      save.click();
      return (await fetch(save.href)).text();
    }),
  );

/** Asks the console's board for a story by form; returns the native command's of the same words and settings. */
export async function tellByForm(page, prompt, temperature, seed) {
  const image = join(PAGE, 'story.uf2');
  const story = native(['run', image, '-i', prompt, '-t', temperature, '-s', seed, '-n', '0']);
  await page.fill('#story-prompt', prompt);
  await page.fill('#story-temperature', temperature);
  await page.fill('#story-seed', seed);
  await page.click('#story-tell');
  return story;
}

/** The saved text, once it matches. */
export async function waitForConsole(page, pattern) {
  for (;;) {
    const text = await savedText(page);
    if (pattern.test(text)) return text;
    await page.waitForTimeout(300);
  }
}

export async function downloaded(page, selector) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return readFileSync(await download.path());
}
