// Names of types, made of names that servers have chosen.

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** A name of a type is cut after this many characters. */
const MAX_LENGTH = 80;

/** Whether a text can be written as the name of a member without quotes. */
export function isIdentifier(text: string): boolean {
    return IDENTIFIER.test(text);
}

/** A text in the form of a name of a type: `read_file` becomes `ReadFile`. Empty when nothing is left. */
export function pascalCase(text: string): string {
    return text
        .slice(0, MAX_LENGTH)
        .split(/[^A-Za-z0-9]+/)
        .map(word => word.slice(0, 1).toUpperCase() + word.slice(1))
        .join('');
}

/** Gives each name once. */
export class Names {
    private readonly next = new Map<string, number>();

    constructor(reserved: readonly string[] = []) {
        for (const name of reserved) this.next.set(name, 2);
    }

    /** A name like this one that nobody has yet; it begins with a letter. */
    take(wanted: string): string {
        const base = /^[A-Za-z]/.test(wanted) ? wanted.slice(0, MAX_LENGTH) : `T${wanted}`.slice(0, MAX_LENGTH);
        let number = this.next.get(base) ?? 1;
        let name = base;
        // A name with a number may be a name that somebody wanted.
        if (number > 1) while (this.next.has((name = `${base}_${number}`))) number++;
        this.next.set(base, number + 1);
        if (name !== base) this.next.set(name, 2);
        return name;
    }
}
