/** Things by an id that this table chooses: a u32, which is free again when the thing is removed. */
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

    /** Removes the thing and returns it; undefined when there is none. */
    take(id: number): T | undefined {
        const thing = this.get(id);
        this.delete(id);
        return thing;
    }
}
