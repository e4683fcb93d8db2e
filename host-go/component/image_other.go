//go:build !linux

package component

import (
	"errors"
	"os"
)

// Elsewhere each instance copies the image.

const mapNoReserve = 0

func newImageFile() (*os.File, error) { return nil, errors.ErrUnsupported }

func mapImage([]byte, *os.File, int) bool { return false }
