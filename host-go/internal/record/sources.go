package record

import (
	"time"

	"github.com/caisson-dev/caisson/host-go/component/wasi"
)

// Sources records what is read from the clocks and drawn from the random bytes of a config.
func (w *Writer) Sources(c *wasi.Config) {
	now, monotonic, random := c.Now, c.Monotonic, c.Random
	c.Now = func() time.Time {
		t := now()
		w.Reading(Now, t.UnixNano())
		return t
	}
	c.Monotonic = func() time.Duration {
		d := monotonic()
		w.Reading(Monotonic, int64(d))
		return d
	}
	c.Random = readerFunc(func(b []byte) (int, error) {
		n, err := random.Read(b)
		w.Random(b[:n])
		return n, err
	})
}

// readerFunc is a function as an io.Reader.
type readerFunc func([]byte) (int, error)

// Read implements [io.Reader].
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
