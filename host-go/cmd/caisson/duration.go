package main

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// A duration is the value of a flag: seconds, such as 30, or with units, such as 1m30s.
type duration time.Duration

// durationFlag registers a flag.
func durationFlag(c *cobra.Command, to *time.Duration, name string, byDefault time.Duration, usage string) {
	*to = byDefault
	c.Flags().Var((*duration)(to), name, usage)
}

// Set implements pflag.Value.
func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if seconds, notNumber := strconv.ParseFloat(text, 64); notNumber == nil {
		if err = nil; !(math.Abs(seconds) < math.MaxInt64/float64(time.Second)) {
			err = errors.New("too long")
		}
		value = time.Duration(seconds * float64(time.Second))
	}
	if err != nil {
		return errors.New("it is neither seconds, such as 30, nor a duration, such as 1m30s")
	}
	*d = duration(value)
	return nil
}

// String implements pflag.Value.
func (d *duration) String() string {
	if *d == 0 {
		return "0" // The help has no default that is written so.
	}
	return time.Duration(*d).String()
}

// Type implements pflag.Value.
func (d *duration) Type() string { return "duration" }
