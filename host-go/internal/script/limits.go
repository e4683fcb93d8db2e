package script

import (
	"fmt"
	"time"

	"github.com/caisson-dev/caisson/host-go/component"
)

// Limits bound one script. Set every field but Fuel.
type Limits struct {
	Computing     time.Duration // of the instance, for one operation
	Time          time.Duration // of one operation, waiting included
	MemoryBytes   int64
	Fuel          uint64 // for one entry of the instance; 0 for no bound but Computing
	SourceBytes   int
	OutputBytes   int // of the log and the result together
	LogLines      int
	ResultDepth   int
	ToolCalls     int
	ParallelCalls int
	ArgumentBytes int // of one call of a tool
	AnswerBytes   int // of one call of a tool
	Timers        int
	LogLineBytes  int // what is longer is cut
	FailureBytes  int // of a message or a stack; what is longer is cut
}

const pageSize = 64 << 10

func (l *Limits) instance() component.Limits {
	return component.Limits{Memory: (uint64(l.MemoryBytes) + pageSize - 1) / pageSize * pageSize, Fuel: l.Fuel}
}

// Check finds limits that no instance has: ErrState.
func (l *Limits) Check() error {
	for _, n := range []int64{
		int64(l.Computing), int64(l.Time), l.MemoryBytes, int64(l.SourceBytes), int64(l.OutputBytes), int64(l.LogLines),
		int64(l.ResultDepth), int64(l.ToolCalls), int64(l.ArgumentBytes), int64(l.AnswerBytes), int64(l.Timers),
		int64(l.LogLineBytes), int64(l.FailureBytes),
	} {
		if n < 0 {
			return ErrState
		}
	}
	if l.ParallelCalls < 1 {
		return ErrState
	}
	return nil
}

// overLimit is a bound that a script has reached. As the error of an import it ends the run.
type overLimit struct {
	option string
	most   any
	what   string
}

// Error names the bound and the option.
func (e *overLimit) Error() string {
	return fmt.Sprintf("%s: ScriptLimits.%s is %v", e.what, e.option, e.most)
}

func (e *overLimit) failure() *Failure {
	return &Failure{Kind: Limit, Message: e.Error(), Err: e}
}
