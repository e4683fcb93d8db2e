import asyncio
import json

items = (await tools.shop.get_items())["items"]
said = await asyncio.gather(*[tools.shop.say(text=item["name"]) for item in items])
call_tool("shop", "say", {"text": "now"})
try:
    await tools.shop.fail()
except ToolError as error:
    print("failed:", error)
found = search_tools("list items")
tool = get_tool("shop.get_items")
print(json.dumps({"items": items, "said": said, "found": found}, indent=2, sort_keys=True))
await sleep(0.001)
{"total": sum(item["price"] for item in items), "input": input, "args": args, "tool": tool}
