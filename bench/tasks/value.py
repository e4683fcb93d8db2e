sum(range(10))
