//go:build linux

package confine

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/internal/confinement"
)

// TestSupports asks what kernels of other versions lack.
func TestSupports(t *testing.T) {
	t.Parallel()
	folders, ports := &confinement.Rules{Folders: true}, &confinement.Rules{Ports: true}
	for _, test := range []struct {
		rules *confinement.Rules
		have  int
		cause error
		want  string
	}{
		{folders, 0, unix.ENOSYS, "folders: this kernel has no Landlock: confine the command by other means, and leave the key out"},
		{ports, 0, unix.EOPNOTSUPP, "ports: Landlock is off in this kernel (the parameter lsm= turns it on): confine the command by other means, and leave the key out"},
		{folders, 2, nil, "folders: the kernel has version 2 of Landlock, and this needs 3: use a newer kernel, or confine the command by other means and leave the key out"},
		{folders, 3, nil, "<nil>"},
		{ports, 3, nil, "ports: the kernel has version 3 of Landlock, and this needs 4: use a newer kernel, or confine the command by other means and leave the key out"},
		{ports, 4, nil, "<nil>"},
		{&confinement.Rules{Folders: true, Ports: true}, 3, nil, "ports: the kernel has version 3 of Landlock, and this needs 4: use a newer kernel, or confine the command by other means and leave the key out"},
		{folders, 100, nil, "<nil>"},
	} {
		err := supports(test.rules, test.have, test.cause)
		if fmt.Sprint(err) != test.want {
			t.Errorf("%+v with %d: %v", test.rules, test.have, err)
		}
		if unsupported := (*UnsupportedError)(nil); err != nil && (!errors.As(err, &unsupported) || unsupported.Have != test.have) {
			t.Errorf("%+v with %d: it is a %T", test.rules, test.have, err)
		}
	}
}
