// A script at a time, as lines of JSON: a script comes in, calls of the program's functions go out, their
// answers come in, and the value goes out.
const waiting = new Map();
let last = 0;

const write = message => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Calls a function of the program's. */
export function call(name, args) {
    write({ call: ++last, name, arguments: args });
    return new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
}

/** Has each script that comes run: `run` gives its value, and how long it computed in milliseconds. */
export function serve(run) {
    let rest = '';
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', chunk => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines) {
            const { source, answer, value, error } = JSON.parse(line);
            if (source !== undefined) {
                run(source).then(
                    ([value, computing]) => write({ value, computing }),
                    failure => write({ error: String(failure) })
                );
                continue;
            }
            const { resolve, reject } = waiting.get(answer);
            waiting.delete(answer);
            if (error) reject(new Error(error));
            else resolve(value);
        }
    });
    write({ ready: true });
}
