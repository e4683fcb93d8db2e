let total = 0;
for (let i = 0; i < 1000; i++) total = await tools.go.add({ a: total, b: i });
return total;
