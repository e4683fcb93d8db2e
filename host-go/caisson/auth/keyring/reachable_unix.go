//go:build unix && !darwin

package keyring

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

var errNoBus = errors.New("there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set")

// reachable returns why there can be no Secret Service. Without a session bus the library would start one, which
// would know of no keyring, and outlive this process.
func reachable() error {
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return nil
	}
	runtime := filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join(runtime, name)); err == nil {
			return nil
		}
	}
	return errNoBus
}
