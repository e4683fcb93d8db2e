package rpc

import (
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/caisson-dev/caisson/host-go/caisson"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
	"github.com/caisson-dev/caisson/daemon/internal/wire"
)

// TestCodes shows that each code of caisson is one code by wire, of the same name, and the other way round.
func TestCodes(t *testing.T) {
	seen := map[caissonv1.Code]caisson.Code{}
	for code := caisson.CodeUnknown + 1; code.String() != "unknown"; code++ {
		status, ok := statuses[code]
		of, there := wire.Codes[code]
		if !ok || !there {
			t.Errorf("%q has no status", code)
			continue
		}
		if other, twice := seen[of]; twice {
			t.Errorf("%q and %q are both %s", code, other, of)
		}
		seen[of] = code
		if back, ok := wire.CodeOf(of); !ok || back != code {
			t.Errorf("%s is %q again", of, back)
		}
		var made *connect.Error
		err := Status(&caisson.Error{Code: code, Server: "s", Step: "x", Message: "m"})
		if !errors.As(err, &made) || made.Code() != status || len(made.Details()) == 0 {
			t.Errorf("%q: %v", code, err)
			continue
		}
		value, err := made.Details()[0].Value()
		if e, ok := value.(*caissonv1.Error); err != nil || !ok || e.GetCode() != of || e.GetServer() != "s" || e.GetStep() != "x" || !strings.Contains(e.GetMessage(), "m") {
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
