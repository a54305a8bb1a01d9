// Not a test: the pictures in docs/.  node web/test/screenshots.mjs
import { join } from 'node:path';
import { launchBrowser, ROOT, requirePage, serve } from './support.mjs';

requirePage();
const browser = await launchBrowser();
const server = await serve();
for (const [name, width, height, colorScheme] of [
  ['page', 1200, 1080, 'light'],
  ['page-dark', 1200, 1080, 'dark'],
  ['page-phone', 390, 844, 'light'],
]) {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  await page.goto(server.address);
  await page.waitForFunction(() => document.documentElement.dataset.firstStory, null, { timeout: 200_000 });
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(ROOT, 'docs', `${name}.png`) });
  await page.close();
}
await browser.close();
server.close();
