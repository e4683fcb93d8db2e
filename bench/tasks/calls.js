const sums = await Promise.all(Array.from({ length: 50 }, (_, i) => tools.go.add({ a: i, b: 1 })));
return sums.reduce((total, sum) => total + sum, 0);
