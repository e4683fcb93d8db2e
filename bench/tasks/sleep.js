const sum = await tools.go.add({ a: 1, b: 3 });
await sleep(5000);
return sum;
