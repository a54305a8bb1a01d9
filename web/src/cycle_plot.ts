// Where the cycles of core 0 go and how many tokens a second a story has, over the board's time.
import uPlot from 'uplot';
import type { BoardStatus } from './board_worker.js';

const LINES: { label: string; color: string; of: (s: BoardStatus) => number }[] = [
  { label: 'instructions', color: '#2f9e63', of: (s) => s.stats.cores[0]?.instructions ?? 0 },
  { label: 'asleep', color: '#8b93a1', of: (s) => s.stats.cores[0]?.sleep_cycles ?? 0 },
  { label: 'waits for data', color: '#c2553d', of: (s) => s.stats.cores[0]?.stall_cycles.data ?? 0 },
  { label: 'waits for code', color: '#b88a1f', of: (s) => s.stats.cores[0]?.stall_cycles.fetch ?? 0 },
  { label: 'waits for results', color: '#4a7fc1', of: (s) => stalls(s, 'result') + stalls(s, 'fpu') },
  { label: 'branches', color: '#9558b2', of: (s) => stalls(s, 'branch') },
];
const MOST_POINTS = 600;
/** The board sends its text every 10 ms: tokens a second over a longer time. */
const RATE_SECONDS = 0.25;
const stepped = uPlot.paths.stepped?.({ align: -1 }); // each value is of the time since the one before

function stalls(status: BoardStatus, kind: string): number {
  return status.stats.cores[0]?.stall_cycles[kind] ?? 0;
}

export class CyclePlot {
  private last: { cycles: number; values: number[] } | undefined;
  private data: (number | null)[][] = emptyData();
  private tokens = 0;
  /** In the statuses of the story that is going on, the latest last. */
  private counted: { seconds: number; tokens: number }[] = [];
  private ended: number | undefined;
  private readonly plot: uPlot;

  constructor(private readonly place: HTMLElement) {
    const grid = { stroke: '#888', grid: { stroke: '#8883' } };
    const options: uPlot.Options = {
      title: 'Cycles of core 0 in percent, and tokens a second',
      width: place.clientWidth || 600,
      height: 200,
      scales: {
        x: { time: false },
        y: { range: [0, 100] },
        rate: { range: (_, __, most) => [0, (most || 1) * 1.1] },
      },
      axes: [
        grid,
        { ...grid, label: '%', labelSize: 20 },
        { ...grid, grid: { show: false }, label: 'tok/s', labelSize: 20, scale: 'rate', side: 1 },
      ],
      series: [
        { label: "board's s" },
        ...LINES.map(({ label, color }) => ({
          label,
          stroke: color,
          width: 1.5,
          points: { show: false },
          ...(stepped ? { paths: stepped } : {}),
        })),
        { label: 'tok/s', scale: 'rate', stroke: '#d0568f', width: 2, dash: [6, 3], spanGaps: false },
      ],
    };
    this.plot = new uPlot(options, this.data as uPlot.AlignedData, place);
    new ResizeObserver(() => this.plot.setSize({ width: place.clientWidth, height: 200 })).observe(place);
  }

  clear(): void {
    this.last = undefined;
    this.data = emptyData();
    this.tokens = 0;
    this.counted = [];
    this.ended = undefined;
    this.plot.setData(this.data as uPlot.AlignedData);
  }
  countToken(): void {
    ++this.tokens;
  }
  /** `rate`: tokens a second, as the board says at the end of a story. */
  storyEnded(rate: number): void {
    this.ended = rate;
  }

  add(status: BoardStatus): void {
    const now = { cycles: status.stats.cores[0]?.cycles ?? 0, values: LINES.map((line) => line.of(status)) };
    const before = this.last;
    this.last = now;
    if (!before || now.cycles <= before.cycles) return;
    const percent = 100 / (now.cycles - before.cycles);
    const values = now.values.map((value, i) => (value - (before.values[i] ?? 0)) * percent);
    [status.seconds, ...values, this.rate(status.seconds)].forEach((value, i) => {
      this.data[i]?.push(value);
    });
    if ((this.data[0]?.length ?? 0) > MOST_POINTS) for (const line of this.data) line.shift();
    if (this.place.isConnected) this.plot.setData(this.data as uPlot.AlignedData);
  }
  private rate(seconds: number): number | null {
    const { ended, tokens } = this;
    this.ended = undefined;
    this.tokens = 0;
    const latest = this.counted.at(-1);
    if (ended !== undefined || tokens === 0) {
      this.counted = [];
      return ended ?? null;
    }
    // In the first status of a story it has gone on for a part of the time only: counted from there.
    this.counted.push({ seconds, tokens: latest ? latest.tokens + tokens : 0 });
    while ((this.counted[1]?.seconds ?? seconds) < seconds - RATE_SECONDS) this.counted.shift();
    const first = this.counted[0];
    if (!latest || !first) return null;
    return (latest.tokens + tokens - first.tokens) / (seconds - first.seconds);
  }
}

/** Times, the cycles' lines, and the rate. */
function emptyData(): (number | null)[][] {
  return [[], ...LINES.map(() => []), []];
}
