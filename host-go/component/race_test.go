//go:build race

package component

func init() { raceDetector = true }
