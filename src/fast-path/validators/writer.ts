// Writes the code of a validator (validator.ts), which refers to INVALID, to UNSURE, and to constants
// c0, c1 and so on.
import type { Definition, Schema } from '../../sdk/internals.js';
import { RUN, definitionOf, zodOf } from '../../sdk/internals.js';
import { isPlainLiteral, isWritten, limits, takesJson } from './writable.js';

/** The types that never make undefined of a value that is not undefined. */
const NEVER_UNDEFINED = new Set(['string', 'number', 'boolean', 'object', 'array', 'record']);

export class Writer {
    readonly #lines: string[] = [];
    readonly #constants: unknown[] = [];
    readonly #open = new Set<Schema>();
    #count = 0;

    constructor(
        /** Whether the value is built. When it is not, a member that is undefined counts as absent. */
        private readonly building: boolean
    ) {}

    /** The function's code and its constants; undefined when it would only call zod. */
    code(schema: Schema): { text: string; constants: unknown[] } | undefined {
        if (!isWritten(schema)) return undefined;
        const output = this.write(schema, 'input', 'return INVALID;');
        const lines = [...this.#lines, `return ${this.building ? output : 'true'};`];
        return { text: `return function (input) {\n${lines.join('\n')}\n};`, constants: this.#constants };
    }

    /** Writes the check of `value`, and returns the expression of the value that is built from it. */
    write(schema: Schema, value: string, fail: string): string {
        if (!this.building && takesJson(schema)) return value;
        // A schema that contains itself is left to zod, which tracks the depth.
        if (!isWritten(schema) || this.#open.has(schema)) return this.#ask(schema, value, fail);
        this.#open.add(schema);
        const output = this.#writeNode(schema, value, fail);
        this.#open.delete(schema);
        return output;
    }

    #writeNode(schema: Schema, value: string, fail: string): string {
        const def = definitionOf(schema);
        switch (def.type) {
            case 'string':
            case 'boolean':
                this.#line(`if (typeof ${value} !== '${def.type}') ${fail}`);
                return value;
            case 'number':
                this.#number(def, value, fail);
                return value;
            case 'null':
                this.#line(`if (${value} !== null) ${fail}`);
                return value;
            case 'literal':
                this.#line(`if (${def.values.map(one => `${value} !== ${literal(one)}`).join(' && ')}) ${fail}`);
                return value;
            case 'enum':
                this.#line(`if (!${this.#constant(new Set(Object.values(def.entries)))}.has(${value})) ${fail}`);
                return value;
            case 'optional':
                return this.#unless('undefined', def, value, fail);
            case 'nullable':
                return this.#unless('null', def, value, fail);
            case 'default':
                return this.#default(schema, value, fail);
            case 'catch':
                return this.write(def.innerType, value, 'return UNSURE;');
            case 'object':
                return this.#object(def, value, fail);
            case 'array':
                return this.#array(def, value, fail);
            case 'record':
                return this.#record(def, value, fail);
            case 'union':
                return def.discriminator === undefined ? this.#union(def, value, fail) : this.#switch(def, value, fail);
            default:
                return value; // unknown, any
        }
    }

    #number(def: Definition, value: string, fail: string): void {
        const { integer, bounds } = limits(def);
        const all = [`Number.${integer ? 'isSafeInteger' : 'isFinite'}(${value})`];
        for (const bound of bounds) all.push(`${value} ${bound}`);
        this.#line(`if (!(${all.join(' && ')})) ${fail}`);
    }

    #unless(nothing: string, { innerType }: Definition, value: string, fail: string): string {
        const output = this.#name();
        this.#build(`let ${output} = ${nothing};`);
        this.#line(`if (${value} !== ${nothing}) {`);
        this.#build(`${output} = ${this.write(innerType, value, fail)};`);
        this.#line('}');
        return output;
    }

    #default(schema: Schema, value: string, fail: string): string {
        const { innerType } = definitionOf(schema);
        if (!this.building) {
            this.#line(`if (${value} !== undefined) {`);
            if (NEVER_UNDEFINED.has(definitionOf(innerType).type)) this.write(innerType, value, fail);
            else this.#ask(schema, value, fail);
            this.#line('}');
            return value;
        }
        const output = this.#name();
        this.#line(`let ${output};`);
        this.#line(`if (${value} === undefined) {`);
        this.#line(`${output} = ${this.#ask(schema, 'undefined', fail)};`);
        this.#line('} else {');
        this.#line(`${output} = ${this.write(innerType, value, fail)};`);
        this.#line(`if (${output} === undefined) return UNSURE;`);
        this.#line('}');
        return output;
    }

    #object({ shape, catchall }: Definition, value: string, fail: string): string {
        this.#line(`if (typeof ${value} !== 'object' || ${value} === null || Array.isArray(${value})) ${fail}`);
        const output = this.#name();
        this.#build(`const ${output} = {};`);
        for (const key of Reflect.ownKeys(shape)) {
            if (typeof key === 'symbol') throw new TypeError('a schema with a symbol for a key');
            if (key !== '__proto__') this.#property(shape[key] as Schema, key, value, output, fail);
        }
        if (catchall) this.#rest(catchall, Object.keys(shape), value, output, fail);
        return output;
    }

    #property(schema: Schema, key: string, input: string, output: string, fail: string): void {
        const { optin, optout } = zodOf(schema);
        const name = JSON.stringify(key);
        const present = `${name} in ${input}`;
        const value = this.#name();
        this.#line(`const ${value} = ${input}[${name}];`);
        if (optin === undefined) {
            this.#line(`if (${value} === undefined${this.building ? ` && !(${present})` : ''}) ${fail}`);
            this.#build(`${output}[${name}] = ${this.write(schema, value, fail)};`);
        } else if (
            optin === 'optional' &&
            isWritten(schema) &&
            (optout === 'optional' || definitionOf(schema).type !== 'catch')
        ) {
            // The usual optional member: one that is absent stays absent.
            this.#line(`if (${value} !== undefined${this.building ? ` || ${present}` : ''}) {`);
            this.#build(`${output}[${name}] = ${this.write(schema, value, fail)};`);
            this.#line('}');
        } else if (optin === 'defaulted' && optout !== 'optional' && isWritten(schema)) {
            this.#build(`${output}[${name}] = ${this.write(schema, value, fail)};`);
        } else {
            const result = this.#run(schema, value);
            const absent = optout === 'optional' ? `if (${present}) ${fail}` : fail;
            this.#line(`if (${result}.issues.length) { ${absent} }`);
            const kept = `${optin === 'optional' && optout === 'optional' ? '' : `${result}.value !== undefined || `}${present}`;
            const always = optin === 'defaulted' && optout !== 'optional';
            this.#build(`else ${always ? '' : `if (${kept}) `}${output}[${name}] = ${result}.value;`);
        }
    }

    /** The members that the schema does not name. */
    #rest(catchall: Schema, keys: string[], input: string, output: string, fail: string): void {
        if (!this.building && takesJson(catchall)) return;
        const key = this.#name();
        this.#line(`for (const ${key} in ${input}) {`);
        if (keys.length > 0) {
            this.#line(`switch (${key}) { ${keys.map(name => `case ${JSON.stringify(name)}:`).join(' ')} continue; }`);
        }
        if (definitionOf(catchall).type === 'never') {
            this.#line(fail);
        } else {
            this.#line(`if (${key} === '__proto__') continue;`);
            const value = this.#name();
            this.#line(`const ${value} = ${input}[${key}];`);
            this.#build(`${output}[${key}] = ${this.write(catchall, value, fail)};`);
        }
        this.#line('}');
    }

    #array({ element }: Definition, value: string, fail: string): string {
        this.#line(`if (!Array.isArray(${value})) ${fail}`);
        const [output, index, item] = [this.#name(), this.#name(), this.#name()];
        if (!this.building && takesJson(element)) return output;
        this.#build(`const ${output} = Array(${value}.length);`);
        this.#line(`for (let ${index} = 0; ${index} < ${value}.length; ${index}++) {`);
        this.#line(`const ${item} = ${value}[${index}];`);
        this.#build(`${output}[${index}] = ${this.write(element, item, fail)};`);
        this.#line('}');
        return output;
    }

    #record({ valueType }: Definition, value: string, fail: string): string {
        const [output, key, item] = [this.#name(), this.#name(), this.#name()];
        this.#line(`if (typeof ${value} !== 'object' || ${value} === null || Array.isArray(${value})) ${fail}`);
        // zod checks values more closely that no JSON text has.
        this.#build(
            `if (Object.getPrototypeOf(${value}) !== Object.prototype || Object.hasOwn(${value}, 'constructor')) return UNSURE;`
        );
        this.#build(`if (Object.getOwnPropertySymbols(${value}).length) return UNSURE;`);
        if (!this.building && takesJson(valueType)) return output;
        this.#build(`const ${output} = {};`);
        this.#line(`for (const ${key} of Object.keys(${value})) {`);
        this.#line(`if (${key} === '__proto__') continue;`);
        this.#line(`const ${item} = ${value}[${key}];`);
        this.#build(`${output}[${key}] = ${this.write(valueType, item, fail)};`);
        this.#line('}');
        return output;
    }

    #union({ options }: Definition, value: string, fail: string): string {
        const [output, done] = [this.#name(), this.#name()];
        this.#build(`let ${output};`);
        this.#line(`${done}: {`);
        for (const option of options) {
            const next = this.#name();
            this.#line(`${next}: {`);
            this.#build(`${output} = ${this.write(option, value, `break ${next};`)};`);
            this.#line(`break ${done};`);
            this.#line('}');
        }
        this.#line(fail);
        this.#line('}');
        return output;
    }

    #switch({ options, discriminator }: Definition, value: string, fail: string): string {
        const output = this.#name();
        this.#line(`if (typeof ${value} !== 'object' || ${value} === null || Array.isArray(${value})) ${fail}`);
        this.#build(`let ${output};`);
        this.#line(`switch (${value}[${JSON.stringify(discriminator)}]) {`);
        for (const option of options) {
            const values = [...(zodOf(option).propValues?.[discriminator as string] ?? [])];
            this.#line(`${values.map(one => `case ${literal(one)}:`).join(' ')} {`);
            this.#build(`${output} = ${this.write(option, value, fail)};`);
            this.#line('break; }');
        }
        this.#line(`default: ${fail}`);
        this.#line('}');
        return output;
    }

    /** Leaves a value to zod. */
    #ask(schema: Schema, value: string, fail: string): string {
        const result = this.#run(schema, value);
        this.#line(`if (${result}.issues.length) ${fail}`);
        return `${result}.value`;
    }

    #run(schema: Schema, value: string): string {
        const result = this.#name();
        this.#line(
            `const ${result} = ${this.#constant(schema)}${RUN}({ value: ${value}, issues: [] }, { async: false });`
        );
        this.#line(`if (!${result}.issues) return UNSURE;`);
        return result;
    }

    #constant(value: unknown): string {
        return `c${this.#constants.push(value) - 1}`;
    }

    #name(): string {
        return `v${this.#count++}`;
    }

    /** Writes a line that is needed only when the value is built. */
    #build(text: string): void {
        if (this.building) this.#line(text);
    }

    #line(text: string): void {
        this.#lines.push(text);
    }
}

function literal(value: unknown): string {
    if (!isPlainLiteral(value)) throw new TypeError('a literal that is not written out');
    return value === undefined ? 'undefined' : JSON.stringify(value);
}
