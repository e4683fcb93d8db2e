package types

import "fmt"

// maxWork bounds what working out the types of a component may take: about as
// many steps. Types refer to others by index, so that a short file can say a type
// of exponential size.
const maxWork = 1_500_000

// Exhausted is thrown where working out types takes more than a bounded amount
// of work.
type Exhausted struct{}

// Error tells the bound.
func (Exhausted) Error() string {
	return fmt.Sprintf("linking takes more than %d steps", maxWork)
}

// Stopped is thrown where Universe.Stop says so.
type Stopped struct{ Err error }

// askEvery is how many steps there are between two questions to Universe.Stop.
const askEvery = 1024

// Spend counts n steps of work. It panics with Exhausted past the bound, and with
// Stopped where Stop has an error.
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
