// "Put it on a board": which board, which file; a download for every browser, and WebUSB where it is.
import { FILTERS, isBootsel, requestBootsel, waitForBootsel } from './bootsel.js';
import { joinFirmwareAndModel } from './command.js';
import { download, element } from './dom.js';
import { BrokenOff, WriteError, writeBoard } from './flash_board.js';
import { isModelPage, modelsOf, type Page, pagesOf } from './uf2.js';
import type { Usb, UsbDevice } from './usb.js';

/** Boards whose firmware was built with this page. */
declare const BOARDS: string[];
const GPIOS: Record<string, number> = { 'pico-plus-2-w': 48, 'pico-plus-2': 48, pga2350: 48, 'pico-2': 30 };
/** The virtual board is one too: its firmware is in story.uf2. */
const FIRST_BOARD = 'pico-plus-2-w';
const BOOTSEL_MS = 3000;
const REPLUG_MS = 600_000;
const MOST_ATTEMPTS = 5;

export interface FlashForm {
  /** A model that the packer has made, as UF2; undefined: none any more. */
  offer(model: Uint8Array | undefined): void;
}

export function startFlashForm(program: Promise<WebAssembly.Module>): FlashForm {
  const usb = (navigator as unknown as { usb?: Usb }).usb;
  const board = element<HTMLSelectElement>('flash-board');
  const content = element<HTMLSelectElement>('flash-content');
  const link = element<HTMLAnchorElement>('flash-file');
  const button = element<HTMLButtonElement>('picoboot');
  const progress = element<HTMLProgressElement>('flash-progress');
  const message = element('flash-message');
  let packed: Uint8Array | undefined;
  let changes = 0;

  for (const option of [...board.options]) if (!BOARDS.includes(option.value)) option.remove();
  const own = [...content.options].find(({ value }) => value === 'own');
  const say = (line: string) => {
    message.textContent = line;
  };
  const firmwareFile = () => (board.value === FIRST_BOARD ? 'firmware.uf2' : `firmware-${board.value}.uf2`);
  const models = async () =>
    content.value === 'own' && packed ? packed : modelsOf(await download('story.uf2'));

  const joinedFile = async (): Promise<Uint8Array> =>
    joinFirmwareAndModel(program, await download(firmwareFile()), await models());
  const changed = async () => {
    const change = ++changes;
    const name = content.value === 'firmware' ? board.value : `${board.value}-${content.value}`;
    link.download = `pico-llama-${name}.uf2`;
    link.textContent = link.download;
    URL.revokeObjectURL(link.href);
    if (content.value === 'firmware') link.href = firmwareFile();
    else if (content.value === 'story' && board.value === FIRST_BOARD) link.href = 'story.uf2';
    else {
      link.removeAttribute('href');
      const file = await joinedFile();
      if (change === changes) link.href = URL.createObjectURL(new Blob([file as BlobPart]));
    }
  };
  const showProblem = (error: Error) => say(error.message);
  board.onchange = content.onchange = () => void changed().catch(showProblem);
  void changed();

  const pages = async (): Promise<Page[]> => {
    const firmware = pagesOf(await download(firmwareFile())).filter((page) => !isModelPage(page));
    return content.value === 'firmware' ? firmware : [...firmware, ...pagesOf(await models())];
  };
  /** Undefined: no device yet; the message tells the user what to do. */
  const boardInBootsel = async (usb: Usb): Promise<UsbDevice | undefined> => {
    const device = await usb.requestDevice({ filters: FILTERS });
    if (isBootsel(device)) return device;
    say('Asking the firmware for BOOTSEL mode…');
    if (!(await requestBootsel(device))) {
      say(
        'The program on this board cannot be asked for BOOTSEL mode: plug the board in with BOOT held, and press again.',
      );
      return undefined;
    }
    const restarted = await waitForBootsel(usb, BOOTSEL_MS);
    if (!restarted)
      say(
        'The board is in BOOTSEL mode now, and to the browser another device: press again and choose “RP2350 Boot”.',
      );
    return restarted;
  };
  const write = async (usb: Usb, first: UsbDevice) => {
    const gpios = GPIOS[board.value] ?? 0;
    const name = board.selectedOptions[0]?.textContent ?? board.value;
    const content = await pages();
    let device: UsbDevice | undefined = first;
    for (let attempt = 0; device && attempt < MOST_ATTEMPTS; ++attempt) {
      progress.hidden = false;
      progress.value = 0;
      try {
        await writeBoard(device, content, gpios, (done, total) => {
          progress.value = (100 * done) / total;
          say(`Writing for ${name}: ${done} of ${total} sectors. Leave the cable in.`);
        });
        say(
          'Written, and read back without a difference. The board restarts; press “Connect a real board…” above.',
        );
        return;
      } catch (error) {
        if (!(error instanceof BrokenOff)) throw error;
        say(
          `The write broke off after ${error.done} of ${error.total} sectors; nothing on the board boots now. ` +
            'Plug the board in again: it is in BOOTSEL mode by itself, and the write begins again.',
        );
        device = await waitForBootsel(usb, REPLUG_MS);
      } finally {
        progress.hidden = true;
      }
    }
    say(
      device
        ? `The write broke off ${MOST_ATTEMPTS} times. Try another cable, without a hub, and press “Flash by USB…” again.`
        : 'The write was given up: the board did not return. Plug it in and press “Flash by USB…” again.',
    );
  };
  const flash = async (usb: Usb) => {
    say('');
    button.disabled = board.disabled = content.disabled = true;
    try {
      const device = await boardInBootsel(usb);
      if (device) await write(usb, device);
    } catch (error) {
      say(advice(error));
    } finally {
      button.disabled = board.disabled = content.disabled = false;
    }
  };
  if (usb) {
    button.hidden = false;
    button.onclick = () => void flash(usb);
  } else {
    element('no-usb').hidden = false;
  }
  return {
    offer: (model) => {
      packed = model;
      if (own) own.disabled = model === undefined;
      if (content.value === 'own') {
        if (!model) content.value = 'story';
        void changed().catch(showProblem);
      }
    },
  };
}

/** Advice for an error of requestDevice(), open() or claimInterface(). */
function advice(error: unknown): string {
  if (error instanceof WriteError) return error.message;
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotFoundError':
      return 'No board was chosen. If none was listed: plug it in with BOOT held, with a cable that carries data.';
    case 'SecurityError':
      return 'The browser does not allow this page to use USB. Allow it in the settings of this site, and open the page by https or from localhost.';
    case 'NetworkError':
      return 'Another program uses the board (picotool, another window), or the system does not let the browser: close that program; on Linux, your user needs a udev rule for 2e8a:000f; on Windows, plug the board in again so that WinUSB is set up.';
    default:
      return `The board cannot be used: ${error instanceof Error ? error.message : error}. Unplug it, plug it in with BOOT held and press again.`;
  }
}
