// The page's sources: types (TypeScript), rules and format (Biome).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, skip } from './support.mjs';

const tools = join(ROOT, 'web/node_modules/.bin');
if (!existsSync(join(tools, 'tsc'))) skip('no TypeScript: npm ci --prefix web');
for (const [tool, ...words] of [
  ['tsc', '--noEmit'],
  ['biome', 'check', '--error-on-warnings', '.'],
]) {
  const run = spawnSync(join(tools, tool), words, { cwd: join(ROOT, 'web'), stdio: 'inherit' });
  if (run.status !== 0) process.exit(1);
}
