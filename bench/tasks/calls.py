import asyncio

sums = await asyncio.gather(*[tools.go.add(a=i, b=1) for i in range(50)])
sum(sums)
