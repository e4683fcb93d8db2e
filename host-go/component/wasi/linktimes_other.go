//go:build !linux && !darwin

package wasi

import (
	"os"
	"time"
)

func setLinkTimes(*os.Root, string, time.Time, time.Time) error { return code("unsupported") }
