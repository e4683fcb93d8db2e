// Counts the words of each file in a folder, and writes a summary into a knowledge graph.
const { content: listing } = await tools.files.list_directory({ path: input.folder });
const names = listing
    .split('\n')
    .filter(line => line.startsWith('[FILE] '))
    .map(line => line.slice('[FILE] '.length));

const counts = await Promise.all(
    names.map(async name => {
        const { content } = await tools.files.read_text_file({ path: `${input.folder}/${name}` });
        return { name, words: content.split(/\s+/).filter(Boolean).length };
    })
);
counts.sort((a, b) => b.words - a.words);
const total = counts.reduce((sum, { words }) => sum + words, 0);

await tools.memory.create_entities({
    entities: [
        {
            name: input.summary,
            entityType: 'summary',
            observations: [`${total} words in ${names.length} files`, ...counts.map(({ name, words }) => `${name}: ${words} words`)]
        }
    ]
});
return { files: names.length, words: total };
