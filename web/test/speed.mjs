// Not a test: how fast the virtual board runs here, natively, in Node and in Chromium, in turns; of each the least processor time. And
// when the page has told its first story.
// node web/test/speed.mjs [TURNS]
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { launchBrowser, NATIVE, PAGE, ROOT, requirePage, serve } from './support.mjs';

const TURNS = Number(process.argv[2] ?? 3);
// Long enough that the time in which an engine compiles the program counts little.
const SIMULATED_SECONDS = 5;
const words = (story) => [
  'simulate',
  story,
  ...['--send', '/endless on', '--send', 'Once', '--expect', 'what no story says'],
  ...['--max-seconds', `${SIMULATED_SECONDS}`],
];

requirePage();
const browser = await launchBrowser();
const server = await serve();
const page = await browser.newPage();
await page.goto(`${server.address}icon.svg`); // the page itself would run a board
const session = await browser.newBrowserCDPSession();

function processSeconds(command, first) {
  const timed = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null';
  const line = ['-c', timed, 'bash', command, ...first, ...words(join(PAGE, 'story.uf2'))];
  const run = spawnSync('bash', line, { encoding: 'utf8' });
  const [user, system] = run.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return user + system;
}

async function rendererSeconds() {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

/** One run of the command in the page's own worker. */
async function pageSeconds(story) {
  const began = await rendererSeconds();
  await page.evaluate(
    async ({ words, bytes }) => {
      const module = await WebAssembly.compileStreaming(fetch('pico-llama.wasm'));
      const worker = new Worker('command_worker.js', { type: 'module' });
      await new Promise((resolve, reject) => {
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }) => data.kind === 'exit' && resolve();
        const files = [{ path: '/story.uf2', bytes: Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0)) }];
        worker.postMessage({ module, words, files });
      });
      worker.terminate();
    },
    { words: words('/story.uf2'), bytes: story.toString('base64') },
  );
  return (await rendererSeconds()) - began;
}

/** From the address being opened to the end of the first story, in seconds of the clock. */
async function firstStorySeconds() {
  const context = await browser.newContext(); // without a cache
  const page = await context.newPage();
  const began = performance.now();
  await page.goto(server.address);
  await page.waitForFunction(() => document.documentElement.dataset.firstStory, undefined, { timeout: 0 });
  const seconds = (performance.now() - began) / 1000;
  await context.close();
  return seconds;
}

const firstStories = [];
for (let turn = 0; turn < TURNS; ++turn) {
  const busy = loadavg()[0].toFixed(1);
  firstStories.push(`${(await firstStorySeconds()).toFixed(1)} s at load ${busy}`);
}
console.log(`first story: ${firstStories.join(', ')}`);

const story = readFileSync(join(PAGE, 'story.uf2'));
const seconds = { native: [], Node: [], Chromium: [] };
for (let turn = 0; turn < TURNS; ++turn) {
  seconds.native.push(processSeconds(NATIVE, []));
  seconds.Node.push(processSeconds(process.execPath, [join(ROOT, 'build/npm/cli.mjs')]));
  seconds.Chromium.push(await pageSeconds(story));
}
const versions = { native: '', Node: process.version, Chromium: browser.version() };
await browser.close();
server.close();
for (const [name, taken] of Object.entries(seconds)) {
  const least = Math.min(...taken);
  const share = `${(SIMULATED_SECONDS / least).toFixed(3)} of real time`;
  const ratio = (Math.min(...seconds.native) / least).toFixed(2);
  console.log(
    `${name} ${versions[name]}: ${share}, ${ratio} of native (${taken.map((s) => s.toFixed(1))} s)`,
  );
}
