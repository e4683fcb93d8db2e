// Reads many resources, in pages. All pages are read at once, and all resources of a page.
type Content = { type: 'text'; text: string } | { type: 'resource'; resource: { uri: string; text: string } };

const { items, pageSize } = input as { items: number; pageSize: number };

async function read(id: number): Promise<string> {
    // The tool says nothing of what it answers with.
    const content = (await tools.everything['get-resource-reference']({ resourceType: 'Text', resourceId: id })) as Content[];
    for (const part of content) {
        if (part.type === 'resource') return part.resource.text;
    }
    throw new Error(`there is no resource in the answer for ${id}`);
}

function readPage(first: number): Promise<string[]> {
    const size = Math.min(pageSize, items - first + 1);
    return Promise.all(Array.from({ length: size }, (_, i) => read(first + i)));
}

export async function main(): Promise<number[][]> {
    const firsts: number[] = [];
    for (let first = 1; first <= items; first += pageSize) firsts.push(first);
    const pages = await Promise.all(firsts.map(readPage));

    const number = (text: string): number => Number(/^Resource (\d+): /.exec(text)![1]);
    return pages.map(texts => texts.map(number));
}
