package pool

import (
	"cmp"
	"context"

	"github.com/caisson-dev/caisson/host-go/caisson"
)

// maxAttempts bounds how often one call is made.
const maxAttempts = 3

// repeatable are the requests that only ask: to make one twice does no harm. The core has the same ones.
var repeatable = map[string]bool{
	"ping": true, "server/discover": true, "tools/list": true, "resources/list": true, "resources/templates/list": true,
	"resources/read": true, "prompts/list": true, "prompts/get": true, "completion/complete": true,
}

// Call makes a call of a method for a principal. What may have had an effect is made once: it is made again, through
// another session, only where nothing was sent, or where the method only asks. A session that the target names by its id
// is never left.
func (p *Pool) Call(ctx context.Context, principal string, target Target, method string, do func(*Session) error) error {
	tried := map[string]bool{}
	var failed error
	for attempt := 1; ; attempt++ {
		s, release, err := p.use(ctx, principal, target, tried)
		if err != nil {
			return cmp.Or(failed, err)
		}
		err = do(s)
		p.Suspect(s, err)
		release()
		if err == nil || target.ID != "" || attempt == maxAttempts || ctx.Err() != nil || !again(err, repeatable[method]) {
			return err
		}
		failed = err
		switch {
		case caisson.CodeOf(err) == caisson.CodeClosed: // Another session with the same server may do.
			select {
			case <-s.over:
			case <-ctx.Done():
				return err
			}
		case s.Server != target.Server || caisson.CodeOf(err) == caisson.CodeConnect:
			tried[s.Server] = true
		}
	}
}

// again reports whether a call that has failed may be made again.
func again(err error, asks bool) bool {
	switch caisson.CodeOf(err) {
	case caisson.CodeConnect:
		return true // Nothing was sent.
	case caisson.CodeTransport, caisson.CodeClosed:
		return asks
	case caisson.CodeHTTP:
		return asks && absent(err)
	}
	return false
}
