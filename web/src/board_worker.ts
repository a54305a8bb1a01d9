// The virtual board in a Web Worker: the board's loop, at most as fast as real time, and what the page wants to know of it.
import { MemoryFiles } from './files.js';
import { Pacer } from './pacer.js';
import { Board, type BoardKind, BoardState } from './program.js';

export interface Image {
  name: string;
  bytes: Uint8Array;
}

export type ToBoard =
  | { kind: 'boot'; module: WebAssembly.Module; images: Image[]; board: BoardKind; script: string }
  | { kind: 'type'; bytes: Uint8Array }
  | { kind: 'button'; pressed: boolean }
  | { kind: 'reset' };

export interface BoardStatus {
  seconds: number;
  cycles: number;
  clkSysHz: number;
  led: boolean;
  /** Simulated seconds in a second of computing. */
  share: number;
  stats: Stats;
}

/** Part of `simulate --stats`. */
export interface Stats {
  instructions: number;
  cores: {
    cycles: number;
    instructions: number;
    sleep_cycles: number;
    stall_cycles: Record<string, number>;
  }[];
  xip_cache: { hits: number; misses: number };
  qspi: Record<'flash' | 'psram', { bytes_read: number; bytes_written: number; busy_cycles: number }>;
}

export type FromBoard =
  | { kind: 'output'; bytes: Uint8Array }
  | { kind: 'status'; status: BoardStatus }
  | { kind: 'script-ended'; cycles: number; seconds: number; stats: string }
  | { kind: 'off'; message: string };

const STATUS_MS = 200;

const post = (message: FromBoard) => globalThis.postMessage(message);

let board: Board | undefined;
let pacer = new Pacer(0);
// Since the last status.
let computedMs = 0;
let statusMs = 0;
let statusSeconds = 0;
let share = 0;

const channel = new MessageChannel();
channel.port1.onmessage = () => step();
const soon = () => channel.port2.postMessage(null);

function boot(message: Extract<ToBoard, { kind: 'boot' }>): void {
  const files = new MemoryFiles();
  const paths = message.images.map(({ name, bytes }, i) => {
    const path = `/${i}/${name}`;
    files.put(path, bytes);
    return path;
  });
  const running = board !== undefined;
  try {
    board = new Board(message.module, files, paths, message.board, message.script);
  } catch (error) {
    board = undefined;
    post({ kind: 'off', message: (error as Error).message });
    return;
  }
  statusMs = performance.now();
  pacer = new Pacer(statusMs);
  statusSeconds = computedMs = 0;
  if (!running) soon();
}

function sendStatus(now: number): void {
  if (!board) return;
  const seconds = board.seconds;
  if (computedMs > 0) share = ((seconds - statusSeconds) * 1000) / computedMs;
  statusMs = now;
  statusSeconds = seconds;
  computedMs = 0;
  const stats = JSON.parse(board.statsText()) as Stats;
  const { cycles, clkSysHz, led } = board;
  post({ kind: 'status', status: { seconds, cycles, clkSysHz, led, share, stats } });
}

function sendOutput(): void {
  const bytes = board?.takeOutput();
  if (bytes && bytes.length > 0) post({ kind: 'output', bytes });
}

function step(): void {
  if (!board) return;
  const began = performance.now();
  const state = board.run(pacer.iterations);
  const now = performance.now();
  const took = now - began;
  computedMs += took;
  sendOutput();
  if (state === BoardState.ended) {
    post({ kind: 'script-ended', cycles: board.cycles, seconds: board.seconds, stats: board.statsText() });
  } else if (state !== BoardState.runs) {
    sendStatus(now);
    const message = board.message;
    board = undefined;
    post({ kind: 'off', message });
    return;
  }
  if (now - statusMs >= STATUS_MS) sendStatus(now);
  const waitMs = pacer.ran(now, took, board.seconds);
  if (waitMs > 0) setTimeout(step, waitMs);
  else soon();
}

globalThis.onmessage = (event: MessageEvent<ToBoard>) => {
  const message = event.data;
  switch (message.kind) {
    case 'boot':
      boot(message);
      break;
    case 'type':
      board?.type(message.bytes);
      break;
    case 'button':
      board?.pressButton(message.pressed);
      break;
    case 'reset':
      board?.reset();
      break;
  }
};
