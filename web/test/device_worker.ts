// A board at the computer of the test page: the virtual board and its USB host in a Web Worker of its own. What the stand-ins for
// navigator.usb and navigator.serial (stand_in.ts) ask for goes through the simulator's USB controller to the firmware or the boot ROM.
import { MemoryFiles } from '../src/files.js';
import { Pacer } from '../src/pacer.js';
import { Board, type BoardKind, BoardState, type Exports } from '../src/program.js';

interface UsbExports extends Exports {
  board_serve_bootsel(): void;
  board_power_on(button: number): void;
  usb_plug(plugged: number): void;
  usb_open_port(open: number): void;
  usb_device(): number;
  usb_transfer(id: number, endpoint: number, input: number, data: number, length: number): void;
  usb_control(
    id: number,
    type: number,
    request: number,
    value: number,
    index: number,
    data: number,
    length: number,
  ): void;
  usb_clear_halt(id: number, endpoint: number, input: number): void;
  usb_finished(): number;
  usb_finished_end(): number;
  usb_finished_data(): number;
  usb_finished_bytes(): number;
}

/** As TransferEnd of simulator/usb/host_controller.h. */
export enum TransferEnd {
  done = 0,
  stalled = 1,
  noAnswer = 2,
  timeout = 3,
  gone = 4,
}

export interface DeviceInfo {
  vendorId: number;
  productId: number;
  product: string;
  serial: string;
  interfaces: {
    number: number;
    class: number;
    subclass: number;
    protocol: number;
    endpoints: { number: number; in: boolean; type: number }[];
  }[];
}

export type ToDevice =
  | { kind: 'plug'; board: BoardKind; images: { name: string; bytes: Uint8Array }[]; button: boolean }
  | { kind: 'unplug' }
  /** The same board again. */
  | { kind: 'replug'; button: boolean }
  /** Unplugs when so many more bytes have gone to bulk endpoints. */
  | { kind: 'unplug-after'; bytes: number }
  | { kind: 'open-port'; open: boolean }
  | { kind: 'type'; bytes: Uint8Array }
  | { kind: 'in'; id: number; endpoint: number; length: number }
  | { kind: 'out'; id: number; endpoint: number; data: Uint8Array }
  | {
      kind: 'control';
      id: number;
      type: number;
      request: number;
      value: number;
      index: number;
      length: number;
    }
  | { kind: 'clear-halt'; id: number; endpoint: number; input: boolean };

export type FromDevice =
  | { kind: 'device'; info: DeviceInfo | undefined }
  | { kind: 'output'; bytes: Uint8Array }
  | { kind: 'finished'; id: number; end: TransferEnd; data: Uint8Array }
  | { kind: 'stopped'; message: string };

const ITERATIONS = 500;
const post = (message: FromDevice) => globalThis.postMessage(message);
const program = WebAssembly.compileStreaming(fetch('pico-llama.wasm'));

let board: Board | undefined;
let plugged = false;
let unfinished = 0;
let known = '';
let unplugAfter = Number.POSITIVE_INFINITY;
let pacer = new Pacer(0);
let timer: ReturnType<typeof setTimeout> | undefined;
const channel = new MessageChannel();
channel.port1.onmessage = () => step();
const soon = () => channel.port2.postMessage(null);

function usb(): UsbExports {
  if (!board) throw new Error('no board');
  return board.instance.exports as UsbExports;
}

function unplug(): void {
  plugged = false;
  usb().usb_plug(0);
  report();
}

function report(): void {
  if (!board) return;
  for (let id = usb().usb_finished(); id !== 0; id = usb().usb_finished()) {
    --unfinished;
    const data = board.instance.bytesAt(usb().usb_finished_data(), usb().usb_finished_bytes());
    post({ kind: 'finished', id, end: usb().usb_finished_end(), data });
  }
  const device = board.instance.textAt(usb().usb_device());
  if (device === known) return;
  known = device;
  post({ kind: 'device', info: device === '' ? undefined : JSON.parse(device) });
}

function step(): void {
  timer = undefined;
  // A board without a cable has no power.
  if (!board || !plugged) return;
  const began = performance.now();
  const { seconds } = board;
  const state = board.run(unfinished > 0 ? ITERATIONS : pacer.iterations);
  const output = board.takeOutput();
  if (output.length > 0) post({ kind: 'output', bytes: output });
  report();
  if (state !== BoardState.runs) {
    plugged = false;
    post({ kind: 'stopped', message: board.message });
    return;
  }
  const now = performance.now();
  pacer.ran(now, now - began, board.seconds);
  // Real time where nobody waits for it.
  const aheadMs = 1000 * (board.seconds - seconds) - (now - began);
  if (aheadMs > 1 && unfinished === 0) timer = setTimeout(step, aheadMs);
  else soon();
}
/** An operation was begun. */
function hurry(): void {
  ++unfinished;
  if (timer === undefined) return;
  clearTimeout(timer);
  timer = undefined;
  soon();
}

function powerOn(button: boolean): void {
  usb().board_power_on(button ? 1 : 0);
  usb().usb_plug(1);
  const running = plugged;
  plugged = true;
  pacer = new Pacer(performance.now());
  if (!running) soon();
}

function place(data: Uint8Array, use: (at: number) => void): void {
  if (!board) throw new Error('no board');
  const at = board.instance.place(data);
  use(at);
  board.instance.exports.free(at);
}

async function obey(message: ToDevice): Promise<void> {
  switch (message.kind) {
    case 'plug': {
      const files = new MemoryFiles();
      const paths = message.images.map(({ name, bytes }, i) => {
        files.put(`/${i}/${name}`, bytes);
        return `/${i}/${name}`;
      });
      board = new Board(await program, files, paths, message.board, '');
      usb().board_serve_bootsel();
      usb().usb_open_port(0);
      powerOn(message.button);
      break;
    }
    case 'unplug':
      unplug();
      break;
    case 'replug':
      powerOn(message.button);
      break;
    case 'unplug-after':
      unplugAfter = message.bytes;
      break;
    case 'open-port':
      usb().usb_open_port(message.open ? 1 : 0);
      break;
    case 'type':
      board?.type(message.bytes);
      break;
    case 'in':
      hurry();
      usb().usb_transfer(message.id, message.endpoint, 1, 0, message.length);
      break;
    case 'out':
      hurry();
      place(message.data, (at) =>
        usb().usb_transfer(message.id, message.endpoint, 0, at, message.data.length),
      );
      unplugAfter -= message.data.length;
      if (unplugAfter <= 0) {
        unplugAfter = Number.POSITIVE_INFINITY;
        // In the middle of what this transfer makes the board do.
        board?.run(ITERATIONS);
        unplug();
      }
      break;
    case 'control': {
      hurry();
      const { id, type, request, value, index, length } = message;
      usb().usb_control(id, type, request, value, index, 0, length);
      break;
    }
    case 'clear-halt':
      hurry();
      usb().usb_clear_halt(message.id, message.endpoint, message.input ? 1 : 0);
      break;
  }
}
globalThis.onmessage = async (event: MessageEvent<ToDevice>) => {
  await obey(event.data);
  if (!plugged) report(); // what was asked of a board that is gone has ended at once
};
