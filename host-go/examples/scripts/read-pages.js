// Reads many resources, in pages. All pages are read at once, and all resources of a page.
async function read(id) {
    const content = await tools.everything['get-resource-reference']({ resourceType: 'Text', resourceId: id });
    return content.find(({ type }) => type === 'resource').resource.text;
}

function readPage(first) {
    const size = Math.min(input.pageSize, input.items - first + 1);
    return Promise.all(Array.from({ length: size }, (_, i) => read(first + i)));
}

const firsts = [];
for (let first = 1; first <= input.items; first += input.pageSize) firsts.push(first);
const pages = await Promise.all(firsts.map(readPage));

const number = text => Number(/^Resource (\d+): /.exec(text)[1]);
return pages.map(texts => texts.map(number));
