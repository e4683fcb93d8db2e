// What schemas may cost. A schema is a server's word: it may be endless, or grow when it is written out.

/** A number of steps, or of characters, that is there once. */
export class Room {
    constructor(private left: number) {}

    /** Takes some of it. False, and nothing left, when there is not as much. */
    take(cost = 1): boolean {
        this.left -= cost;
        if (this.left >= 0) return true;
        this.left = -1;
        return false;
    }

    /** Whether more was wanted than was there. */
    get exhausted(): boolean {
        return this.left < 0;
    }
}
