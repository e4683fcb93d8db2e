package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/caisson-dev/caisson/host-go/component"
	"github.com/caisson-dev/caisson/host-go/internal/isolation"
)

// trapped is what a trap of the core fails with: it names the option where a bound was the cause.
func (in *instance) trapped(step string, err error) *Failure {
	var workers *isolation.LimitError
	if errors.As(err, &workers) {
		return &Failure{Kind: Limit, Step: step, Message: err.Error(), Err: err}
	}
	message := "the sandboxed core stopped: " + err.Error() + in.remedy(err)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New(err.Error()) // Whoever looks for the deadline of a context means the caller's.
	}
	return &Failure{Kind: Trap, Step: step, Message: message, Err: err}
}

func (in *instance) remedy(err error) string {
	if errors.Is(err, context.DeadlineExceeded) { // Nothing but Bounded bounds a call into the core.
		if e := in.engine; e.workers == nil && !isClosed(e.compiled) {
			return fmt.Sprintf("; it computed for longer than ClientOptions.MaxGuestTime of %v, in the interpreter, as it is not compiled yet: try again, or have it compiled before by RuntimeOptions.CompileFirst or 'caisson cache warm'", in.limits.GuestTime)
		}
		if in.core != nil && in.core.Computed() < in.limits.GuestTime {
			return fmt.Sprintf("; it did not return within %d times ClientOptions.MaxGuestTime of %v, though it computed for %v: the machine has too much to do for it", overall, in.limits.GuestTime, in.core.Computed())
		}
		return fmt.Sprintf("; it computed for longer than ClientOptions.MaxGuestTime of %v: raise it if that is right", in.limits.GuestTime)
	}
	var limit *component.LimitError
	if errors.As(err, &limit) && limit.Resource != "call depth" && limit.Limit > 0 || in.core != nil && in.core.MemoryRefused() {
		return fmt.Sprintf("; it needed more than ClientOptions.MaxMemoryBytes of %d bytes: raise it if that is right", in.limits.MemoryBytes)
	}
	return ""
}
