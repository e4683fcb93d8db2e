import argparse
import asyncio
import logging
import sys
import time

log = logging.getLogger("main")


async def worker(queue, results):
    while True:
        item = await queue.get()
        try:
            async with asyncio.timeout(5):
                results.append(await tools.shop.say({"text": str(item)}))
        finally:
            queue.task_done()


async def gathered():
    queue, results = asyncio.Queue(), []
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker(queue, results)) for _ in range(3)]
        for item in range(5):
            queue.put_nowait(item)
        await queue.join()
        for one in workers:
            one.cancel()
    lock = asyncio.Lock()
    async with lock, asyncio.Semaphore(2):
        await asyncio.sleep(0)
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.001)
    except TimeoutError:
        pass
    return results


def main(*argv):
    logging.basicConfig(level=logging.INFO)
    log.info("begins with %s", sys.argv)
    parser = argparse.ArgumentParser()
    parser.add_argument("word")
    parser.add_argument("number", type=int)
    options = parser.parse_args(argv)
    time.sleep(0.001)
    return {"word": options.word, "number": options.number, "results": asyncio.run(gathered())}


if __name__ == "__main__":
    main()
