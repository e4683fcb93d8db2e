# Reads many resources, in pages. All pages are read at once, and all resources of a page.
import asyncio
import re


async def read(id):
    content = await tools.everything["get-resource-reference"](resourceType="Text", resourceId=id)
    return next(part["resource"]["text"] for part in content if part["type"] == "resource")


async def read_page(first):
    end = min(first + input["pageSize"], input["items"] + 1)
    return await asyncio.gather(*map(read, range(first, end)))


firsts = range(1, input["items"] + 1, input["pageSize"])
pages = await asyncio.gather(*map(read_page, firsts))


def number(text):
    return int(re.match(r"Resource (\d+): ", text)[1])


return [[number(text) for text in texts] for texts in pages]
