/** Things known by an id of ours: a u32, free again when the thing is gone. */
export class IdTable<T> extends Map<number, T> {
    #last = 0;

    /** Puts a thing under an unused id. */
    add(thing: T): number {
        do {
            this.#last = (this.#last % 0xffff_ffff) + 1;
        } while (this.has(this.#last));
        this.set(this.#last, thing);
        return this.#last;
    }

    /** Takes the thing out, if it is there. */
    take(id: number): T | undefined {
        const thing = this.get(id);
        this.delete(id);
        return thing;
    }
}
