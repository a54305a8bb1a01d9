// The answers of /selftest and /bench in rows, and two boards' side by side.

export interface Row {
  name: string;
  value: string;
}

export interface ComparedRow {
  name: string;
  real: string;
  virtual: string;
  /** Empty for rows that are the same. */
  difference: string;
  same: boolean;
}

/** Columns of a line of /selftest (firmware/app/measure.cpp). */
const NAME = 8;
const DETAIL = 30;
const ABSENT = '(no such row)';

/** Rows of an answer: "ok      NAME     VALUE", "kernel NAME  VALUE" or "NAME: VALUE"; other lines continue the one before. */
export function rowsOf(command: string, answer: string): Row[] {
  const rows: Row[] = [];
  for (const line of answer.split('\n')) {
    const test = line.match(/^(ok|FAILED) /);
    const kernel = line.match(/^(kernel \S+) +(\S.*)$/);
    const named = line.match(/^((?:read|token|story|selftest)\b[^:]*): (.*)$/);
    const last = rows.at(-1);
    if (test)
      rows.push({
        name: `${command} ${line.slice(NAME, DETAIL).trim()}`,
        value: `${test[1]}: ${line.slice(DETAIL).trim()}`,
      });
    else if (kernel) rows.push({ name: `${command} ${kernel[1]}`, value: kernel[2] ?? '' });
    else if (named) rows.push({ name: `${command} ${named[1]}`, value: named[2] ?? '' });
    else if (last && line.trim() !== '') last.value += ` ${line.trim()}`;
  }
  return rows;
}

function firstNumber(text: string): number | undefined {
  const found = text.match(/\d[\d,]*(\.\d+)?/);
  return found ? Number(found[0].replaceAll(',', '')) : undefined;
}

/** Rows of both, in the order of the first; a name that comes twice is compared in its order. */
export function compared(real: Row[], virtual: Row[]): ComparedRow[] {
  const left = [...virtual];
  const rows = real.map(({ name, value }) => {
    const at = left.findIndex((row) => row.name === name);
    const other = at < 0 ? ABSENT : (left.splice(at, 1)[0]?.value ?? ABSENT);
    const [a, b] = [firstNumber(value), firstNumber(other)];
    const same = value === other;
    const measured = !/^(ok|FAILED):/.test(value);
    const percent = measured && a !== undefined && b ? `${(100 * (a / b - 1)).toFixed(1)} %` : 'differs';
    return { name, real: value, virtual: other, same, difference: same ? '' : percent };
  });
  const absent = left.map(({ name, value }) => {
    return { name, real: ABSENT, virtual: value, same: false, difference: 'differs' };
  });
  return [...rows, ...absent];
}

/** The report as a text file, columns separated by tabs. */
export function reportText(rows: ComparedRow[]): string {
  const lines = rows.map((row) => [row.name, row.real, row.virtual, row.difference].join('\t'));
  return ['row\treal board\tvirtual board\tdifference', ...lines, ''].join('\n');
}
