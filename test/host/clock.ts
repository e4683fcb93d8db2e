/** Time that moves when a test says so. */
export class Clock {
    /** Milliseconds since the epoch. */
    now = Date.UTC(2026, 0, 1);
    readonly #due = new Map<number, number>();

    constructor(private readonly fire: (timer: number) => void) {}

    /** The timers that are set. */
    get pending(): number {
        return this.#due.size;
    }

    set(timer: number, delay: number): void {
        this.#due.set(timer, this.now + delay);
    }

    clear(timer: number): void {
        this.#due.delete(timer);
    }

    /** Lets time pass. Timers fire one by one, each at its time. */
    advance(ms: number): void {
        const end = this.now + ms;
        for (;;) {
            const next = [...this.#due].filter(([, at]) => at <= end).sort(([, a], [, b]) => a - b)[0];
            if (!next) break;
            const [timer, at] = next;
            this.#due.delete(timer);
            this.now = Math.max(this.now, at);
            this.fire(timer);
        }
        this.now = end;
    }
}
