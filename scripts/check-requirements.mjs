// Checks docs/requirements.json, which lists what the specification's revisions demand of clients
// (MUST and MUST NOT), against the tests: a test names what it shows in a comment,
//
//     // requirement: stdio.messages-only, stdio.lines
//
// A requirement that no test names fails, save for those that are exempt, each with its reason; so
// does a name that is none. The schema pages of the revisions say the same again, and are left out.
//
//   node scripts/check-requirements.mjs [--links]    --links prints every requirement with its links
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
const FULFILLED_BY = ['core', 'host', 'user'];
const problems = [];

/** Where a requirement stands in each revision that has it: `where` has a revision or a range of them. */
function links({ id, where }) {
    return Object.entries(where).flatMap(([revisions, section]) => {
        const [first, last = first] = revisions.split('..').map(revision => REVISIONS.indexOf(revision));
        if (first < 0 || last < first) problems.push(`${id}: ${revisions} is no range of revisions`);
        const range = REVISIONS.slice(first, last + 1);
        return range.map(revision => ({
            revision,
            link: `https://modelcontextprotocol.io/specification/${revision}/${section}`
        }));
    });
}

/** The names that the tests have, and in which files. */
function named() {
    const names = new Map();
    const files = ['test', 'host-go'].flatMap(folder =>
        readdirSync(join(root, folder), { recursive: true }).map(file => join(folder, file))
    );
    for (const file of files.filter(file => /(\.test\.ts|_test\.go)$/.test(file)))
        for (const [, list] of readFileSync(join(root, file), 'utf8').matchAll(/\/\/ requirement: (.+)$/gm))
            for (const name of list.split(/,\s*/)) names.set(name.trim(), file);
    return names;
}

const requirements = JSON.parse(readFileSync(join(root, 'docs/requirements.json'), 'utf8'));
const names = named();
const known = new Set();
const count = { shown: 0, exempt: 0 };
for (const requirement of requirements) {
    const { id, by, exempt } = requirement;
    const where = links(requirement);
    if (process.argv.includes('--links')) for (const { revision, link } of where) console.log(id, revision, link);
    if (known.has(id)) problems.push(`${id}: listed twice`);
    if (!FULFILLED_BY.includes(by)) problems.push(`${id}: fulfilled by ${by}, which is none of ${FULFILLED_BY}`);
    if (new Set(where.map(({ revision }) => revision)).size !== where.length) problems.push(`${id}: a revision twice`);
    known.add(id);
    if (exempt === undefined && !names.has(id)) problems.push(`${id}: no test shows it`);
    if (exempt !== undefined && names.has(id)) problems.push(`${id}: exempt, and shown by ${names.get(id)}`);
    count[exempt === undefined ? 'shown' : 'exempt']++;
}
for (const [name, file] of names) if (!known.has(name)) problems.push(`${file}: there is no requirement ${name}`);

for (const problem of problems) console.error(problem);
console.log(
    `requirements: ${requirements.length} listed, ${count.shown} to be shown by tests, ` +
        `${count.exempt} exempt; ${problems.length} problems`
);
process.exitCode = problems.length === 0 ? 0 : 1;
