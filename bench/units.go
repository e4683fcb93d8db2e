package main

import (
	"fmt"
	"strconv"
)

// duration writes microseconds with three digits.
func duration(us float64) string {
	switch {
	case us == 0:
		return "–"
	case us < 1e3:
		return digits(us) + " µs"
	case us < 1e6:
		return digits(us/1e3) + " ms"
	}
	return digits(us/1e6) + " s"
}

func megabytes(bytes float64) string {
	if bytes == 0 {
		return "–"
	}
	return digits(bytes/1e6) + " MB"
}

// number writes a figure with three digits.
func number(n float64) string {
	if n == 0 {
		return "–"
	}
	return digits(n)
}

func digits(n float64) string {
	switch {
	case n >= 100:
		return fmt.Sprintf("%.0f", n)
	case n >= 10:
		return fmt.Sprintf("%.1f", n)
	case n >= 1:
		return fmt.Sprintf("%.2f", n)
	}
	return strconv.FormatFloat(n, 'g', 2, 64)
}
