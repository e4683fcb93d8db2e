// Package selfexec starts this program again, for a purpose that its first argument names: a command that confines
// itself before it begins, or a worker in which a guest runs.
package selfexec

import "os"

// Program returns the path of the program that runs, on Linux even when its file was replaced meanwhile.
func Program() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running, nil
	}
	return os.Executable()
}

// For reports whether this process was started for a purpose, with at least so many arguments after its name.
func For(purpose string, arguments int) bool {
	return len(os.Args) > arguments && os.Args[0] == purpose
}
