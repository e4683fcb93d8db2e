// Counts the words of each file in a folder, and writes a summary into a knowledge graph.
interface Count {
    name: string;
    words: number;
}

const { folder, summary } = input as { folder: string; summary: string };

async function count(name: string): Promise<Count> {
    const { content } = await tools.files.read_text_file({ path: `${folder}/${name}` });
    return { name, words: content.split(/\s+/).filter(Boolean).length };
}

export async function main(): Promise<{ files: number; words: number }> {
    const { content: listing } = await tools.files.list_directory({ path: folder });
    const names = listing
        .split('\n')
        .filter(line => line.startsWith('[FILE] '))
        .map(line => line.slice('[FILE] '.length));

    const counts: Count[] = await Promise.all(names.map(count));
    counts.sort((a, b) => b.words - a.words);
    const total = counts.reduce<number>((sum, { words }) => sum + words, 0);

    await tools.memory.create_entities({
        entities: [
            {
                name: summary,
                entityType: 'summary',
                observations: [`${total} words in ${names.length} files`, ...counts.map(({ name, words }) => `${name}: ${words} words`)]
            }
        ]
    });
    return { files: names.length, words: total };
}
