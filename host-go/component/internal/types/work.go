package types

import "fmt"

// maxWork bounds what working out the types of a component may take: about as
// many steps. Types refer to others by index, so that a short file can say a type
// of exponential size.
const maxWork = 5_000_000

// Exhausted is thrown where working out types takes more than a bounded amount
// of work.
type Exhausted struct{}

// Error tells the bound.
func (Exhausted) Error() string {
	return fmt.Sprintf("linking takes more than %d steps", maxWork)
}

// Spend counts n steps of work. It panics with Exhausted past the bound.
func (u *Universe) Spend(n int) {
	if u.work += n; u.work > maxWork {
		panic(Exhausted{})
	}
}
