//go:build !race

package caisson_test

const raceDetector = false
