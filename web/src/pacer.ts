// The virtual board in slices: keys wait for no longer than one, and it runs at most as fast as real time.

const SLICE_MS = 25;
const LEAST = 16;
const MOST = 1 << 24;

export class Pacer {
  /** Of the board's loop, in the next slice. */
  iterations = 4096;
  // Where real and simulated time were equal.
  private anchorMs: number;
  private anchorSeconds = 0;
  private seconds = 0;

  constructor(nowMs: number) {
    this.anchorMs = nowMs;
  }
  /** A slice has ended at `nowMs`, after `tookMs` of computing and at `seconds` of the board's time. Returns the milliseconds until the next. */
  ran(nowMs: number, tookMs: number, seconds: number): number {
    // A sleeping board passes a millisecond in each iteration, a busy one some tens of nanoseconds.
    const longer = Math.max(tookMs, (seconds - this.seconds) * 1000);
    this.seconds = seconds;
    if (longer < SLICE_MS / 2) this.iterations = Math.min(this.iterations * 2, MOST);
    else if (longer > SLICE_MS * 2) this.iterations = Math.max(this.iterations >> 1, LEAST);
    const aheadMs = (seconds - this.anchorSeconds) * 1000 - (nowMs - this.anchorMs);
    if (aheadMs > 1) return aheadMs;
    // Slower than real time: not to be made up for later.
    this.anchorMs = nowMs;
    this.anchorSeconds = seconds;
    return 0;
  }
}
