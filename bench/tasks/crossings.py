total = 0
for i in range(1000):
    total = await tools.go.add(a=total, b=i)
total
