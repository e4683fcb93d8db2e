package binary

import (
	"errors"
	"strconv"
	"testing"

	"github.com/caisson-dev/caisson/host-go/component/internal/build"
)

// An error of stop ends decoding, between definitions and within a long one.
func TestStop(t *testing.T) {
	enum := func(n int) build.Bytes {
		return build.Cat(build.Bytes{0x6d}, build.Vec(build.Times(n, func(i int) build.Bytes { return build.Name("c" + strconv.Itoa(i)) })...))
	}
	for name, b := range map[string][]byte{
		"definitions": build.Component(build.TypeDefs(build.Times(5000, func(int) build.Bytes { return build.Bytes{0x7f} })...)),
		"labels":      build.Component(build.TypeDefs(enum(5000))),
	} {
		stopped := errors.New("stopped")
		questions := 0
		if _, err := Decode(b, func() error { questions++; return nil }); err != nil || questions < 4 {
			t.Fatalf("%s: %d questions, %v", name, questions, err)
		}
		asked := 0
		_, err := Decode(b, func() error {
			if asked++; asked == 3 {
				return stopped
			}
			return nil
		})
		if !errors.Is(err, stopped) || asked != 3 {
			t.Errorf("%s: question %d of %d: %v", name, asked, questions, err)
		}
	}
}
