//go:build (!unix && !windows) || aix

package component

// A hold is nothing where there are no locks: a folder is in use as long as it
// is young.
type hold struct{}

func holdFolder(string) *hold { return nil }
func (*hold) release()        {}
func held(string) bool        { return false }
