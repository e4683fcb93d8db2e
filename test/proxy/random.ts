/** Chance that a seed decides (mulberry32). */
export class Random {
    #state: number;

    constructor(seed: number) {
        this.#state = seed | 0;
    }

    /** A number from 0 up to 1, and not 1. */
    next(): number {
        this.#state = (this.#state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }

    /** A whole number from 0 up to a bound, and not the bound. */
    below(bound: number): number {
        return Math.floor(this.next() * bound);
    }

    chance(probability: number): boolean {
        return this.next() < probability;
    }

    pick<T>(list: readonly T[]): T {
        return list[this.below(list.length)] as T;
    }
}
