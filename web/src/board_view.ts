// The console and the picture of the virtual board.
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { BoardStatus, FromBoard, Image, ToBoard } from './board_worker.js';
import { CyclePlot } from './cycle_plot.js';
import { Dialogue } from './dialogue.js';
import { download, element } from './dom.js';
import { MemoryMap } from './memory_map.js';

/** Takes the user's keys: the virtual board or a real one. */
export interface Console {
  type(bytes: Uint8Array): void;
}

/** A part of the page that uses the board at the console, while the user's keys wait. */
export interface Claim {
  /** Output of the board, instead of the terminal. */
  hear?(bytes: Uint8Array): void;
  /** The user wants an end. */
  interrupt?(): void;
  /** The board is gone, or another is at the console: the claim is over. */
  end?(reason: string): void;
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
  /** The console's board, until release(); undefined: another part of the page has it. */
  claim(claim: Claim): Console | undefined;
  release(): void;
  /** For the plot: the board has generated one, as a story in JSON says. */
  countToken(): void;
  storyEnded(tokens: number, rate: number): void;
}

/**
 * The first story, as for `simulate --script`. The board asks the terminal for its width, to wrap at words; the script answers, since
 * the terminal's own answer would be a key at a time that differs from run to run.
 */
function firstStory(columns: number): string {
  return `type Once upon a time\nexpect \\e[6n\ntype \\e[1;${columns}R\nsend\nexpect tok/s\n`;
}
const isAnswer = new RegExp(`^${'\u001b'}\\[\\d+;\\d+R$`);
const NARROW = '(max-width: 50rem)';
const INTERRUPT = 3; // Ctrl-C

const encoder = new TextEncoder();

export function startBoard(program: Promise<WebAssembly.Module>): BoardView {
  const terminal = new Terminal({
    fontSize: matchMedia(NARROW).matches ? 11 : 14, // columns for more than a few words
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
  let claimed: Claim | undefined;
  let scripted = false;
  let text = '';
  const decoder = new TextDecoder();

  const say = (line: string) => {
    element('message').textContent = line;
  };
  const print = (bytes: Uint8Array) => {
    if (claimed?.hear) {
      claimed.hear(bytes);
      return;
    }
    terminal.write(bytes);
    const before = text.length;
    text += decoder.decode(bytes, { stream: true });
    const speed = speedAfter(text, before);
    if (speed) storyEnded(speed.tokens, speed.rate);
    text = text.slice(-1_000_000);
    map.read(text);
  };
  const storyEnded = (tokens: number, rate: number) => {
    element('speed').textContent = `${tokens} tokens, ${rate.toFixed(1)} tok/s on the board`;
    if (console === virtual) plot.storyEnded(rate);
  };
  const type = (bytes: Uint8Array) => {
    if (!claimed) console.type(bytes);
    else if (bytes.includes(INTERRUPT)) claimed.interrupt?.();
  };
  const endClaim = (reason: string) => {
    const ended = claimed;
    claimed = undefined;
    ended?.end?.(reason);
  };
  const boot = async (given: Image[], script: string) => {
    if (console === virtual) endClaim('the board was restarted');
    dialogue.end('the virtual board was restarted');
    images = given;
    scripted = script !== '';
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
        scripted = false;
        // For the test, which compares it with `simulate --stats`.
        document.documentElement.dataset.firstStory = message.stats;
        break;
      case 'off':
        say(message.message);
        dialogue.end(message.message);
        if (console === virtual) endClaim(message.message);
        break;
    }
  };
  worker.onerror = (event) => say(`the simulation stopped: ${event.message}; reload the page`);

  terminal.onData((typed) => {
    if (!(scripted && isAnswer.test(typed))) type(encoder.encode(typed));
  });
  element('interrupt').onclick = () => type(Uint8Array.of(INTERRUPT));
  element('help').onclick = () => type(encoder.encode('/help\r'));
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
    (bytes) => {
      const script = firstStory(terminal.cols);
      document.documentElement.dataset.firstScript = script;
      return boot([{ name: 'story.uf2', bytes }], script);
    },
    (error: Error) => say(error.message),
  );
  return {
    boot: (given, script) => void boot(given, script),
    terminal,
    say,
    show: print,
    ask: (command) => dialogue.ask(command),
    connect: (other) => {
      endClaim(other ? 'a real board was connected' : 'the board was disconnected');
      console = other ?? virtual;
      text = '';
    },
    claim: (claim) => {
      if (claimed) return undefined;
      claimed = claim;
      return console;
    },
    release: () => {
      // Where the board's prompt was heard by another, it is shown again.
      if (claimed?.hear) terminal.write('\r\n> ');
      claimed = undefined;
    },
    countToken: () => {
      if (console === virtual) plot.countToken();
    },
    storyEnded,
  };
}

/** Of a story that ended behind this place in the console's text. */
function speedAfter(text: string, place: number): { tokens: number; rate: number } | undefined {
  const from = Math.max(0, place - 100); // the line may have come in parts
  const found = [...text.slice(from).matchAll(/\[(\d+) tokens, ([\d.]+) tok\/s/g)].at(-1);
  if (!found || from + found.index + found[0].length <= place) return undefined;
  return { tokens: Number(found[1]), rate: Number(found[2]) };
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
