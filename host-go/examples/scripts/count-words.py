# Counts the words of each file in a folder, and writes a summary into a knowledge graph.
import asyncio

folder = input["folder"]


async def count(name):
    answer = await tools.files.read_text_file(path=f"{folder}/{name}")
    return name, len(answer["content"].split())


listing = await tools.files.list_directory(path=folder)
names = [line.removeprefix("[FILE] ") for line in listing["content"].splitlines() if line.startswith("[FILE] ")]

counts = await asyncio.gather(*map(count, names))
counts.sort(key=lambda count: count[1], reverse=True)
total = sum(words for _, words in counts)

await tools.memory.create_entities(
    entities=[
        {
            "name": input["summary"],
            "entityType": "summary",
            "observations": [
                f"{total} words in {len(names)} files",
                *(f"{name}: {words} words" for name, words in counts),
            ],
        }
    ]
)
return {"files": len(names), "words": total}
