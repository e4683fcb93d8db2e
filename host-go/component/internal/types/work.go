package types

import "fmt"

// maxWork bounds the work of computing the types of a component, in steps. Types refer to others by index, so
// a short file can describe a type of exponential size.
const maxWork = 1_500_000

// Exhausted is thrown when computing types takes more than maxWork steps.
type Exhausted struct{}

// Error names the bound.
func (Exhausted) Error() string {
	return fmt.Sprintf("linking takes more than %d steps", maxWork)
}

// Stopped is thrown when Universe.Stop returns an error.
type Stopped struct{ Err error }

// askEvery is how many steps there are between two calls of Universe.Stop.
const askEvery = 1024

// Spend counts n steps of work. It panics with Exhausted past the bound, and with Stopped when Stop returns
// an error.
func (u *Universe) Spend(n int) {
	if u.work += n; u.work > maxWork {
		panic(Exhausted{})
	}
	if u.unasked += n; u.unasked < askEvery || u.Stop == nil {
		return
	}
	u.unasked = 0
	if err := u.Stop(); err != nil {
		panic(Stopped{err})
	}
}

// Caught returns what f throws by way of Spend: Exhausted, or Stop's error.
func Caught(f func()) (err error) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case Exhausted:
			err = x
		case Stopped:
			err = x.Err
		default:
			panic(x)
		}
	}()
	f()
	return nil
}
