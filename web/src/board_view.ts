// The console and the picture of the virtual board.
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { BoardStatus, FromBoard, Image, ToBoard } from './board_worker.js';
import { CyclePlot } from './cycle_plot.js';
import { Dialogue } from './dialogue.js';
import { download, element } from './dom.js';
import { MemoryMap } from './memory_map.js';

/** What takes the user's keys: the virtual board or a real one. */
export interface Console {
  type(bytes: Uint8Array): void;
}

export interface BoardView {
  /** Powers on a board with these images; `script` as for `simulate --script`. */
  boot(images: Image[], script: string): void;
  terminal: Terminal;
  say(text: string): void;
  /** Output of a real board. */
  show(bytes: Uint8Array): void;
  /** Takes keys from the virtual board; null: gives them back. */
  connect(console: Console | null): void;
  /** Asks the virtual board, seen or not. */
  ask(command: string): Promise<string>;
}

/** The first story; the same words in test/page_test.mjs for `pico-llama simulate`. */
export const FIRST_STORY = 'send Once upon a time\nexpect tok/s\n';

const encoder = new TextEncoder();

export function startBoard(program: Promise<WebAssembly.Module>): BoardView {
  const terminal = new Terminal({
    fontSize: 14,
    lineHeight: 1.15, // with 1, underscores are cut off
    scrollback: 5000,
    screenReaderMode: true,
    theme: { background: '#101214', foreground: '#e8e8e3' },
  });
  // Tab completes a command; with Shift, or after Escape, it leaves the console as it does elsewhere.
  let leaving = false;
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown') return true;
    if (event.key === 'Tab') return !(leaving || event.shiftKey);
    leaving = event.key === 'Escape';
    return !leaving;
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(element('terminal'));
  fit.fit();
  new ResizeObserver(() => fit.fit()).observe(element('terminal'));

  const worker = new Worker('board_worker.js', { type: 'module' });
  const send = (message: ToBoard) => worker.postMessage(message);
  const plot = new CyclePlot(element('plot'));
  const map = new MemoryMap();
  const virtual: Console = { type: (bytes) => send({ kind: 'type', bytes }) };
  const dialogue = new Dialogue(virtual.type);
  let console: Console = virtual;
  let images: Image[] = [];
  let text = '';
  const decoder = new TextDecoder();

  const say = (line: string) => {
    element('message').textContent = line;
  };
  const print = (bytes: Uint8Array) => {
    terminal.write(bytes);
    text = (text + decoder.decode(bytes, { stream: true })).slice(-1_000_000);
    showSpeed(text);
    map.read(text);
  };
  const boot = async (given: Image[], script: string) => {
    images = given;
    terminal.reset();
    text = '';
    say('');
    plot.clear();
    map.clear();
    send({ kind: 'boot', module: await program, images, board: 'pico-plus-2-w', script });
  };

  worker.onmessage = (event: MessageEvent<FromBoard>) => {
    const message = event.data;
    switch (message.kind) {
      case 'output':
        if (console === virtual) print(message.bytes);
        dialogue.hear(message.bytes);
        break;
      case 'status':
        show(message.status);
        plot.add(message.status);
        map.add(message.status);
        break;
      case 'script-ended':
        // For the test, which compares it with `simulate --stats`.
        document.documentElement.dataset.firstStory = message.stats;
        break;
      case 'off':
        say(message.message);
        dialogue.end(message.message);
        break;
    }
  };
  worker.onerror = (event) => say(`the simulation stopped: ${event.message}; reload the page`);

  terminal.onData((typed) => console.type(encoder.encode(typed)));
  element('interrupt').onclick = () => console.type(Uint8Array.of(3));
  element('help').onclick = () => console.type(encoder.encode('/help\r'));
  element('restart').onclick = () => void boot(images, '');
  element<HTMLAnchorElement>('save').onclick = (event) => {
    const link = event.currentTarget as HTMLAnchorElement;
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  };
  const button = element('boot-button');
  button.onpointerdown = () => send({ kind: 'button', pressed: true });
  button.onpointerup = button.onpointerleave = () => send({ kind: 'button', pressed: false });
  drawPads();

  download('story.uf2').then(
    (bytes) => boot([{ name: 'story.uf2', bytes }], FIRST_STORY),
    (error: Error) => say(error.message),
  );
  return {
    boot: (given, script) => void boot(given, script),
    terminal,
    say,
    show: print,
    ask: (command) => dialogue.ask(command),
    connect: (other) => {
      console = other ?? virtual;
      text = '';
    },
  };
}

function showSpeed(text: string): void {
  const speeds = [...text.matchAll(/\[(\d+) tokens, ([\d.]+) tok\/s/g)];
  const last = speeds.at(-1);
  if (last) element('speed').textContent = `${last[1]} tokens, ${last[2]} tok/s on the board`;
}

function show(status: BoardStatus): void {
  element('led').classList.toggle('lit', status.led);
  element('share').textContent =
    status.share >= 1 ? 'real time' : `${(100 * status.share).toFixed(1)} % of real time`;
  element('clock').textContent = `${(status.clkSysHz / 1e6).toFixed(1)} MHz`;
  element('time').textContent = `${status.seconds.toFixed(3)} s`;
  element('cycles').textContent = status.cycles.toLocaleString('en');
}

function drawPads(): void {
  const pads = element<SVGElement>('pads');
  for (let i = 0; i < 20; ++i) {
    for (const x of [14, 96]) {
      const pad = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      pad.setAttribute('cx', `${x}`);
      pad.setAttribute('cy', `${20 + i * 11.2}`);
      pad.setAttribute('r', '2.5');
      pads.append(pad);
    }
  }
}
