import bisect
import datetime
import decimal
import functools
import heapq
import math
import operator
import random
import statistics
import time
import uuid


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.lru_cache(maxsize=None)
def cached(n):
    return n if n < 2 else cached(n - 1) + cached(n - 2)


random.seed(1)
numbers = [random.randint(0, 1000) for _ in range(500)]
total = 0
for i in range(1000):
    total += i * 2 - 1
    if i % 3 == 0 and i // 7 > 2:
        total ^= i << 2
primes = [n for n in range(2, 200) if all(n % d for d in range(2, int(n**0.5) + 1))]
matrix = [[float(i * j) for j in range(10)] for i in range(10)]
product = [[sum(a * b for a, b in zip(row, column)) for column in zip(*matrix)] for row in matrix]
heap = list(numbers)
heapq.heapify(heap)
smallest = [heapq.heappop(heap) for _ in range(5)]
now = datetime.datetime.now(datetime.timezone.utc)
{
    "fib": fib(12), "cached": cached(100), "big": 2**200 // 3**50, "power": pow(7, 1000, 13), "digits": len(str(3**500)),
    "sorted": sorted(numbers, key=lambda n: (-n % 10, n))[:5], "reversed": numbers[::-2][:3], "primes": len(primes),
    "mean": statistics.mean(numbers), "median": statistics.median(numbers), "deviation": statistics.stdev(numbers),
    "decimal": decimal.Decimal("1.10") + decimal.Decimal(2) / 3,
    "math": [math.sqrt(2), math.sin(1), math.log(10), math.gcd(12, 18), math.comb(10, 3), math.pi, math.floor(-1.5)],
    "complex": abs(3 + 4j), "round": round(2.675, 2), "smallest": smallest, "at": bisect.bisect([1, 2, 3], 2),
    "reduced": functools.reduce(operator.mul, range(1, 20)), "product": product[9][9], "total": total,
    "date": datetime.date(2026, 1, 31) + datetime.timedelta(days=30), "parsed": datetime.datetime.fromisoformat("2026-01-02T03:04:05+01:00"),
    "formatted": now.strftime("%Y-%m-%d %H:%M:%S") != "", "strptime": datetime.datetime.strptime("02.01.2026", "%d.%m.%Y"),
    "weekday": datetime.date(2026, 1, 1).weekday(), "uuid": len(str(uuid.uuid4())), "time": time.time() > 0,
    "float": [float("1e10"), int("ff", 16), 7 / 2, 7 // 2, -7 % 3, 1e308 * 10 == math.inf], "choice": random.choice("abc"),
    "shuffled": random.sample(range(10), 3), "gauss": random.gauss(0, 1) < 100, "sum": math.fsum([0.1] * 10),
}
