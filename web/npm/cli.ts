#!/usr/bin/env node
// pico-llama for any machine with Node 18: the command of the repository, compiled to WebAssembly.
import { readFileSync, writeSync } from 'node:fs';
import { MemoryFiles } from '../src/files.js';
import { NodeFiles, programPath } from '../src/node_files.js';
import { Pacer } from '../src/pacer.js';
import { Board, type BoardKind, BoardState, runCommand } from '../src/program.js';

const bytes = readFileSync(new URL('pico-llama.wasm', import.meta.url));
const module = new WebAssembly.Module(bytes);
const words = process.argv.slice(2);

function writeAll(fd: number, from: Uint8Array): void {
  for (let done = 0; done < from.length; ) {
    try {
      done += writeSync(fd, from, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
    }
  }
}

/** `simulate` without a script: this terminal is the board's. */
function isTerminalSession(): boolean {
  const scripted = /^--(help|script|send|expect|max-(seconds|cycles)|pty|gdb|profile|led|uart|fault)\b|^-h$/;
  return words[0] === 'simulate' && words.length > 1 && !words.some((word) => scripted.test(word));
}

function terminalSession(): void {
  let kind: BoardKind = 'pico-plus-2-w';
  const images: string[] = [];
  for (let i = 1; i < words.length; ++i) {
    const word = words[i] as string;
    if (word === '--board') kind = words[++i] as BoardKind;
    else if (word.startsWith('-'))
      fail(`simulate: ${word} is not known here; see pico-llama simulate --help`, 2);
    else images.push(word);
  }
  if (kind !== 'pico-plus-2-w' && kind !== 'pico2') fail(`--board: ${kind} not in {pico-plus-2-w,pico2}`, 2);
  const files = new MemoryFiles();
  const paths = images.map((path, i) => {
    try {
      files.put(`/${i}/${path}`, readFileSync(path));
    } catch {
      fail(`${path}: cannot be read; check the path`, 1);
    }
    return `/${i}/${path}`;
  });
  let board: Board;
  try {
    board = new Board(module, files, paths, kind, '');
  } catch (error) {
    fail((error as Error).message, 1);
  }
  const { stdin } = process;
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    process.stderr.write('simulate: Ctrl-] leaves\n');
  }
  const leave = (code: number) => {
    if (stdin.isTTY) stdin.setRawMode(false);
    process.exit(code);
  };
  stdin.on('data', (typed: Buffer) => {
    if (typed.includes(0x1d)) leave(0);
    board.type(stdin.isTTY ? typed : Buffer.from(typed.toString('latin1').replaceAll('\n', '\r'), 'latin1'));
  });
  const pacer = new Pacer(performance.now());
  const step = () => {
    const began = performance.now();
    const state = board.run(pacer.iterations);
    writeAll(1, board.takeOutput());
    if (state !== BoardState.runs) {
      process.stderr.write(`simulate: ${board.message}\n`);
      leave(1);
    }
    const now = performance.now();
    const waitMs = pacer.ran(now, now - began, board.seconds);
    if (waitMs > 0) setTimeout(step, waitMs);
    else setImmediate(step);
  };
  step();
}

function fail(line: string, code: number): never {
  process.stderr.write(`pico-llama: ${line}\n`);
  process.exit(code);
}

if (isTerminalSession()) {
  terminalSession();
} else {
  const streams = {
    output: (written: Uint8Array) => writeAll(1, written),
    error: (written: Uint8Array) => writeAll(2, written),
    errorIsTerminal: process.stderr.isTTY === true,
  };
  process.exitCode = runCommand(module, words, new NodeFiles(), streams, programPath(process.cwd()));
}
