package engine

import (
	"fmt"
	"sync"
)

// A resource is something that a session makes the host hold, or do.
type resource int

const (
	openCalls     resource = iota // operations that have not settled
	requestBodies                 // bytes on their way to the server over HTTP
	templates                     // bytes of the requests that are kept
	timersSet                     // timers
	questions                     // handlers that answer the server
	refusals                      // effects that were refused, and of which the core does not know yet
	handlerBytes                  // bytes that wait for the program's handlers
	resources                     // how many resources there are
)

// A limit is how much of a resource a session may have at a time.
type limit struct {
	most   int64
	what   string // of it, as in "more than 64 ..."
	remedy string // or ""
}

// What a session may have, where no option says more. docs/architecture.md, "What bounds what", has
// them too, and limits_test.go of the package caisson compares the two.
const (
	MaxCalls  = 16384
	MaxBodies = 128 << 20 // bytes; or four of the largest messages, if that is more
	// MaxTemplates is in the contract; see http-prepare in wit/egress.wit.
	MaxTemplates = 1024
	// MaxTemplateBytes is far above what the template of a call needs.
	MaxTemplateBytes = 16 << 20
	MaxTimers        = 65536
	// MaxQuestions is small: each is a goroutine of the program's, and often a person to be asked.
	MaxQuestions = 64
	MaxRefusals  = 16384
)

func budgetLimits(limits Limits, maxMessage int64) [resources]limit {
	return [resources]limit{
		openCalls: {MaxCalls, "calls have not settled", "wait for some to end"},
		requestBodies: {
			max(MaxBodies, 4*maxMessage), "bytes of requests are on their way to the server",
			"send less at a time, or raise ClientOptions.MaxMessageBytes: a quarter of it is the bound on one message",
		},
		templates:    {MaxTemplateBytes, "bytes of requests are kept for the core", ""},
		timersSet:    {MaxTimers, "timers are set", ""},
		questions:    {MaxQuestions, "questions of the server wait for the handlers", ""},
		refusals:     {MaxRefusals, "effects of the core were refused at once", ""},
		handlerBytes: {max(limits.HandlerBytes, maxMessage), "bytes from the server wait for the handlers", "make them quicker, or raise ClientOptions.MaxQueuedBytes"},
	}
}

// A budget bounds what one session may make the host hold. Everything that a server or the core can make
// grow is taken from the budget first, and is refused at once when it does not fit: an attack costs only
// its own session. It is safe for concurrent use.
type budget struct {
	limits [resources]limit

	mu   sync.Mutex
	held [resources]int64
}

// take draws n of a resource, or says why it cannot.
func (b *budget) take(r resource, n int64) *overBudget {
	b.mu.Lock()
	defer b.mu.Unlock()
	// Written so that the sum cannot overflow.
	if l := &b.limits[r]; n > l.most-b.held[r] {
		return &overBudget{l}
	}
	b.held[r] += n
	return nil
}

// give returns what was taken.
func (b *budget) give(r resource, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held[r] -= n
}

// holds says how much of a resource is taken.
func (b *budget) holds(r resource) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held[r]
}

// overBudget says that something does not fit. As the error of an import it ends the session.
type overBudget struct{ *limit }

// Error names the bound, and what to do.
func (e *overBudget) Error() string {
	text := fmt.Sprintf("more than %d %s", e.most, e.what)
	if e.remedy != "" {
		text += ": " + e.remedy
	}
	return text
}

// failure is the failure of what does not fit.
func (e *overBudget) failure(step string) *Failure {
	return &Failure{Kind: Limit, Step: step, Message: e.Error(), Err: e}
}
