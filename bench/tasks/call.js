const sum = await tools.go.add({ a: 1, b: 2 });
return sum + 1;
