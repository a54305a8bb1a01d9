// pico-llama.wasm: the command, and the virtual board.
import type { Files } from './files.js';
import { ProgramExit, type Streams, wasiImports } from './wasi.js';

export interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  __main_argc_argv(count: number, words: number): number;
  malloc(bytes: number): number;
  free(at: number): void;
  chdir(path: number): number;
  board_boot(paths: number, kind: number, script: number): number;
  board_run(iterations: number): number;
  board_message(): number;
  board_type(text: number, bytes: number): void;
  board_output(): number;
  board_output_bytes(): number;
  board_port_open(): number;
  board_cycles(): number;
  board_seconds(): number;
  board_clk_sys_hz(): number;
  board_led(): number;
  board_button(pressed: number): void;
  board_reset(): void;
  board_stats(): number;
}

/** One instance of the program, with its own memory. */
export class Instance {
  readonly exports: Exports;
  constructor(module: WebAssembly.Module, files: Files, streams: Streams) {
    const imports = { wasi_snapshot_preview1: wasiImports(() => this.exports.memory, files, streams) };
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports;
    this.exports._initialize();
  }
  bytesAt(at: number, length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, at, length).slice();
  }
  textAt(at: number): string {
    const memory = new Uint8Array(this.exports.memory.buffer);
    return new TextDecoder().decode(memory.slice(at, memory.indexOf(0, at)));
  }
  /** A copy in the program's memory; the caller frees it. */
  place(bytes: Uint8Array): number {
    const at = this.exports.malloc(Math.max(bytes.length, 1));
    if (at === 0) throw new Error('not enough memory');
    new Uint8Array(this.exports.memory.buffer).set(bytes, at);
    return at;
  }
  placeText(text: string): number {
    return this.place(new TextEncoder().encode(`${text}\0`));
  }
}

/** Runs `pico-llama WORDS...` and returns its exit code. `folder`: of relative paths. */
export function runCommand(
  module: WebAssembly.Module,
  words: string[],
  files: Files,
  streams: Streams,
  folder = '/',
): number {
  const instance = new Instance(module, files, streams);
  if (folder !== '/') instance.exports.chdir(instance.placeText(folder));
  const line = ['pico-llama', ...words];
  const table = instance.place(new Uint8Array(4 * (line.length + 1)));
  const pointers = line.map((word) => instance.placeText(word));
  const view = new DataView(instance.exports.memory.buffer);
  pointers.forEach((at, i) => {
    view.setUint32(table + 4 * i, at, true);
  });
  try {
    return instance.exports.__main_argc_argv(line.length, table);
  } catch (error) {
    if (error instanceof ProgramExit) return error.code;
    throw error;
  }
}

/** As VirtualBoard::State. */
export enum BoardState {
  runs = 0,
  ended = 1,
  limit = 2,
  stopped = 3,
  bootsel = 4,
}

export type BoardKind = 'pico-plus-2-w' | 'pico2';

/** The virtual board. */
export class Board {
  readonly instance: Instance;
  /** Throws an Error with the loader's line. `script`: lines of `simulate --script`; empty: a user types. */
  constructor(module: WebAssembly.Module, files: Files, images: string[], kind: BoardKind, script: string) {
    const ignore = () => {};
    this.instance = new Instance(module, files, { output: ignore, error: ignore, errorIsTerminal: false });
    const paths = this.instance.placeText(images.join('\n'));
    const steps = this.instance.placeText(script);
    const problem = this.instance.textAt(this.exports.board_boot(paths, kind === 'pico2' ? 1 : 0, steps));
    this.exports.free(paths);
    this.exports.free(steps);
    if (problem !== '') throw new Error(problem);
  }
  private get exports(): Exports {
    return this.instance.exports;
  }
  /** So many iterations of the board's loop, some tens of nanoseconds each. */
  run(iterations: number): BoardState {
    return this.exports.board_run(iterations);
  }
  get message(): string {
    return this.instance.textAt(this.exports.board_message());
  }
  type(bytes: Uint8Array): void {
    const at = this.instance.place(bytes);
    this.exports.board_type(at, bytes.length);
    this.exports.free(at);
  }
  takeOutput(): Uint8Array {
    const at = this.exports.board_output();
    return this.instance.bytesAt(at, this.exports.board_output_bytes());
  }
  get cycles(): number {
    return this.exports.board_cycles();
  }
  get seconds(): number {
    return this.exports.board_seconds();
  }
  get clkSysHz(): number {
    return this.exports.board_clk_sys_hz();
  }
  get led(): boolean {
    return this.exports.board_led() !== 0;
  }
  pressButton(pressed: boolean): void {
    this.exports.board_button(pressed ? 1 : 0);
  }
  reset(): void {
    this.exports.board_reset();
  }
  /** The same text as `simulate --stats`. */
  statsText(): string {
    return this.instance.textAt(this.exports.board_stats());
  }
}
