// Counts the words of each file in a folder, and writes a summary into a knowledge graph.
interface Count {
    name: string;
    words: number;
}

declare const input: { folder: string; summary: string };

async function count(name: string): Promise<Count> {
    const { content } = (await tools.files.read_text_file({ path: `${input.folder}/${name}` })) as { content: string };
    return { name, words: content.split(/\s+/).filter(Boolean).length };
}

const { content: listing }: { content: string } = await tools.files.list_directory({ path: input.folder });
const names: string[] = listing
    .split('\n')
    .filter((line: string) => line.startsWith('[FILE] '))
    .map((line: string) => line.slice('[FILE] '.length));

const counts: Count[] = await Promise.all(names.map(count));
counts.sort((a, b) => b.words - a.words);
const total = counts.reduce<number>((sum, { words }) => sum + words, 0);

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
