package rpc

import (
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// TestCodes shows that each code of caisson is one code by wire, of the same name, and the other way round.
func TestCodes(t *testing.T) {
	seen := map[caissonv1.Code]caisson.Code{}
	for code := caisson.CodeUnknown + 1; code.String() != "unknown"; code++ {
		of, ok := statuses[code]
		if !ok {
			t.Errorf("%q has no status", code)
			continue
		}
		if other, twice := seen[of.code]; twice {
			t.Errorf("%q and %q are both %s", code, other, of.code)
		}
		seen[of.code] = code
		var wire *connect.Error
		err := Status(&caisson.Error{Code: code, Server: "s", Step: "x", Message: "m"})
		if !errors.As(err, &wire) || wire.Code() != of.status || len(wire.Details()) == 0 {
			t.Errorf("%q: %v", code, err)
			continue
		}
		value, err := wire.Details()[0].Value()
		if e, ok := value.(*caissonv1.Error); err != nil || !ok || e.GetCode() != of.code || e.GetServer() != "s" || e.GetStep() != "x" || !strings.Contains(e.GetMessage(), "m") {
			t.Errorf("%q has the detail %v, %v", code, value, err)
		}
	}
	for number, name := range caissonv1.Code_name {
		if _, ok := seen[caissonv1.Code(number)]; !ok && number != 0 {
			t.Errorf("%s is no code of caisson", name)
		}
	}
	if err := Status(errors.New("a secret")); strings.Contains(err.Error(), "a secret") || connect.CodeOf(err) != connect.CodeUnknown {
		t.Errorf("what is not caisson's own: %v", err)
	}
}
