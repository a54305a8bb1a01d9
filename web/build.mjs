// Bundles the page: node build.mjs --wasm FILE --firmware UF2 --story UF2 --out FOLDER. The same input, the same bytes.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const { values } = parseArgs({
  // --firmware: the Plus 2 W's; --boards: a folder with firmware-BOARD.uf2 of other boards.
  options: {
    wasm: { type: 'string' },
    firmware: { type: 'string' },
    story: { type: 'string' },
    boards: { type: 'string' },
    out: { type: 'string' },
    cli: { type: 'string' },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const common = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  minify: true,
  legalComments: 'linked',
  target: 'es2022',
};

if (values.cli) {
  // The command for Node: two files, no dependencies. `npm pack` takes all that is in the folder.
  rmSync(values.cli, { recursive: true, force: true });
  mkdirSync(values.cli, { recursive: true });
  await build({
    ...common,
    minify: false,
    legalComments: 'none',
    platform: 'node',
    target: 'node18',
    entryPoints: ['npm/cli.ts'],
    outfile: join(values.cli, 'cli.mjs'),
  });
  copyFileSync(values.wasm, join(values.cli, 'pico-llama.wasm'));
  copyFileSync(join(here, 'npm/README.md'), join(values.cli, 'README.md'));
  copyFileSync(join(here, '../LICENSE'), join(values.cli, 'LICENSE'));
  const { version, license } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const description = "llama2.c's stories for a microcontroller board: packer, engine and virtual board";
  const entry = {
    name: 'pico-llama',
    version,
    description,
    license,
    type: 'module',
    bin: { 'pico-llama': 'cli.mjs' },
    engines: { node: '>=18' },
  };
  writeFileSync(join(values.cli, 'package.json'), `${JSON.stringify(entry, null, 2)}\n`);
  chmodSync(join(values.cli, 'cli.mjs'), 0o755);
}
if (values.out) {
  const out = values.out;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const others = readdirSync(values.boards)
    .filter((name) => /^firmware-.*\.uf2$/.test(name))
    .sort();
  for (const name of others) copyFileSync(join(values.boards, name), join(out, name));
  const boards = ['pico-plus-2-w', ...others.map((name) => name.replace(/^firmware-(.*)\.uf2$/, '$1'))];
  await build({
    ...common,
    define: { BOARDS: JSON.stringify(boards) },
    entryPoints: ['src/page.ts', 'src/board_worker.ts', 'src/command_worker.ts'],
    outdir: out,
  });
  await build({
    ...common,
    entryPoints: ['page.css'],
    outdir: out,
    loader: { '.css': 'css' },
    banner: { css: '' },
  });
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(here, name), join(out, name));
  copyFileSync(values.wasm, join(out, 'pico-llama.wasm'));
  copyFileSync(values.firmware, join(out, 'firmware.uf2'));
  copyFileSync(values.story, join(out, 'story.uf2'));

  const files = readdirSync(out).sort();
  const hash = createHash('sha256');
  for (const name of files) hash.update(readFileSync(join(out, name)));
  const define = {
    BUILD: JSON.stringify(hash.digest('hex').slice(0, 16)),
    FILES: JSON.stringify(['./', ...files]),
  };
  await build({ ...common, format: 'iife', entryPoints: ['src/service_worker.ts'], outdir: out, define });

  let total = 0;
  for (const name of readdirSync(out).sort())
    total += gzipSync(readFileSync(join(out, name)), { level: 9 }).length;
  writeFileSync(join(dirname(out), 'web-size.txt'), `${total}\n`);
  console.log(`${out}: ${total} bytes to transfer, gzipped`);
}
