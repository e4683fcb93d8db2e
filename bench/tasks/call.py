sum = await tools.go.add(a=1, b=2)
sum + 1
