const numbers = Array.from({ length: 100000 }, (_, i) => (i * 7919) % 100003);
numbers.sort((a, b) => a - b);
return numbers.reduce((sum, n, i) => (sum + n * (i % 7)) % 1000003, 0);
