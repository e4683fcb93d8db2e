/** Time that moves when a test says so. */
export class Clock {
    /** Milliseconds since the epoch. */
    now = Date.UTC(2026, 0, 1);
    readonly #due = new Map<number, number>();
    readonly #events: { at: number; happen: () => void }[] = [];

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

    /** Lets something happen outside later. Before a timer that is due at the same time. */
    after(delay: number, happen: () => void): void {
        const at = this.now + delay;
        const later = this.#events.findIndex(event => event.at > at);
        this.#events.splice(later < 0 ? this.#events.length : later, 0, { at, happen });
    }

    /** Lets time pass. Timers fire and things happen one by one, each at its time. */
    advance(ms: number): void {
        const end = this.now + ms;
        for (;;) {
            const due = [...this.#due].filter(([, at]) => at <= end).sort(([, a], [, b]) => a - b)[0];
            const event = this.#events[0];
            if (event && event.at <= (due?.[1] ?? end)) {
                this.#events.shift();
                this.now = Math.max(this.now, event.at);
                event.happen();
            } else if (due) {
                const [timer, at] = due;
                this.#due.delete(timer);
                this.now = Math.max(this.now, at);
                this.fire(timer);
            } else break;
        }
        this.now = end;
    }
}
