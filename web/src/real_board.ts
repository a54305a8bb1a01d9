// A real board at the page's console, by Web Serial.
import type { BoardView } from './board_view.js';
import { element } from './dom.js';
import { advice, Connection, type Serial } from './serial_port.js';

/** USB ids of the RP2350's makers: Raspberry Pi (the firmware's). */
const VENDOR = 0x2e8a;

export function startRealBoard(board: BoardView): void {
  const serial = (navigator as unknown as { serial?: Serial }).serial;
  const button = element<HTMLButtonElement>('serial');
  if (!serial) return; // Firefox, Safari: the page says which browsers can
  button.hidden = false;
  let connection: Connection | undefined;

  const connect = async () => {
    let opened: Connection;
    try {
      const port = await serial.requestPort({ filters: [{ usbVendorId: VENDOR }] });
      board.terminal.reset();
      opened = await Connection.open(port, (bytes) => board.show(bytes));
    } catch (error) {
      board.say(advice(error));
      return;
    }
    connection = opened;
    board.connect({ type: (bytes) => opened.write(bytes) });
    board.say('Connected to a real board; the simulation goes on unseen. Speeds are that board’s own.');
    button.textContent = 'Disconnect';
    board.terminal.focus();
    const left = await opened.ended;
    connection = undefined;
    board.connect(null);
    button.textContent = 'Connect a real board…';
    board.say(
      left
        ? 'The board was unplugged or restarted. Plug it in and press Connect; its console keeps nothing from before.'
        : 'Disconnected; this is the simulation again.',
    );
  };
  button.onclick = () => void (connection ? connection.close() : connect());
}
