// A real board at the page's console, by Web Serial.

import { compared, type Row, reportText, rowsOf } from './board_report.js';
import type { BoardView } from './board_view.js';
import { Dialogue } from './dialogue.js';
import { element } from './dom.js';
import { advice, Connection, type Serial } from './serial_port.js';
import { VENDOR } from './usb.js';

export function startRealBoard(board: BoardView): void {
  const serial = (navigator as unknown as { serial?: Serial }).serial;
  const button = element<HTMLButtonElement>('serial');
  if (!serial) return; // Firefox, Safari: the page says which browsers can
  button.hidden = false;
  const report = element<HTMLButtonElement>('report');
  let connection: Connection | undefined;
  let dialogue: Dialogue | undefined;

  const connect = async () => {
    let opened: Connection;
    try {
      const port = await serial.requestPort({ filters: [{ usbVendorId: VENDOR }] });
      board.terminal.reset();
      opened = await Connection.open(port, (bytes) => {
        board.show(bytes);
        dialogue?.hear(bytes);
      });
    } catch (error) {
      board.say(advice(error));
      return;
    }
    connection = opened;
    const asked = new Dialogue((bytes) => opened.write(bytes));
    dialogue = asked;
    report.hidden = false;
    board.connect({ type: (bytes) => opened.write(bytes) });
    board.say('Connected to a real board; the simulation goes on unseen. Speeds are that board’s own.');
    button.textContent = 'Disconnect';
    board.terminal.focus();
    const left = await opened.ended;
    connection = dialogue = undefined;
    report.hidden = true;
    asked.end('the board was disconnected');
    board.connect(null);
    button.textContent = 'Connect a real board…';
    board.say(
      left
        ? 'The board was unplugged or restarted. Plug it in and press Connect; its console keeps nothing from before.'
        : 'Disconnected; this is the simulation again.',
    );
  };
  button.onclick = () => void (connection ? connection.close() : connect());
  report.onclick = () => void (dialogue && makeReport(board, dialogue));
}

const COMMANDS = ['/selftest', '/bench'];

/** Runs the commands on both boards, and shows and offers the answers side by side. */
async function makeReport(board: BoardView, real: Dialogue): Promise<void> {
  const button = element<HTMLButtonElement>('report');
  // The board's answers are shown; keys would change them.
  if (!board.claim({})) {
    board.say('The board tells a story; stop it first.');
    return;
  }
  button.disabled = true;
  try {
    const ask = async (name: string, ask: (command: string) => Promise<string>) => {
      const rows: Row[] = [];
      for (const command of COMMANDS) {
        board.say(`${command} on the ${name} board…`);
        rows.push(...rowsOf(command, await ask(command)));
      }
      return rows;
    };
    const measured = await ask('real', (command) => real.ask(command));
    const simulated = await ask('virtual', (command) => board.ask(command));
    const rows = compared(measured, simulated);
    const table = element('report-rows');
    table.replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement('tr');
        if (!row.same) line.className = 'differs';
        const name = document.createElement('th');
        name.scope = 'row';
        name.textContent = row.name;
        const cells = [row.real, row.virtual, row.difference].map((text) => {
          const cell = document.createElement('td');
          cell.textContent = text;
          return cell;
        });
        line.append(name, ...cells);
        return line;
      }),
    );
    const save = element<HTMLAnchorElement>('report-file');
    URL.revokeObjectURL(save.href);
    save.href = URL.createObjectURL(new Blob([reportText(rows)], { type: 'text/plain' }));
    element('report-view').hidden = false;
    const same = rows.filter((row) => row.same).length;
    board.say(`${same} of ${rows.length} rows are the same on both boards; the table is below.`);
  } catch (error) {
    board.say(`No report: ${error instanceof Error ? error.message : error}. Connect and try again.`);
  } finally {
    button.disabled = false;
    board.release();
  }
}
