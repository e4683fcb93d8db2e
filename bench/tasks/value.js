return [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].reduce((sum, n) => sum + n, 0);
