package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// logins are the turns of this process's logins, by the address at which each listens.
var logins turns

// takeTurn waits for the turn of this process's logins at an address, and gives what ends it. A login ends by
// itself, so each of many gets its turn however many there are. Between processes the port itself is the
// lock, which the system takes back from a process that dies.
func takeTurn(ctx context.Context, address string) (end func(), err error) {
	end, err = logins.take(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("waiting for another login of this program: %w", err)
	}
	return end, nil
}

// listen takes the port. While another program holds it, it waits, since that program may be at a login too.
func (b *Browser) listen(ctx context.Context) (net.Listener, error) {
	ctx, cancel := context.WithTimeout(ctx, b.wait())
	defer cancel()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var config net.ListenConfig
	for told := false; ; {
		listener, err := config.Listen(ctx, "tcp4", b.address())
		switch {
		case err == nil:
			return listener, nil
		case !errors.Is(err, errInUse):
			return nil, fmt.Errorf("%w; choose another port (auth.Browser.Port)", err)
		case !told:
			told = true
			b.notice("Another program listens on %s. If it is at a login, this one follows; if it never ends, choose another port.\n", b.address())
		}
		select {
		case <-time.After(portPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("another program listens on %s: %w; end it, or choose another port (auth.Browser.Port)", b.address(), context.Cause(ctx))
		}
	}
}
