package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A deviceLogin is a login that goes on at another device: the clock of the command stops for it.
type deviceLogin struct {
	mu   sync.Mutex
	over context.CancelFunc // nil when there is none
}

// begin stops the clock until the login ends, or the code or the session does. The command ends when nobody has
// entered the code in a time; 0 for as long as the code is good.
func (d *deviceLogin) begin(ctx context.Context, code auth.DeviceCode, patience time.Duration, k *asker) {
	ctx, over := context.WithDeadline(ctx, code.Expiry)
	late := func() bool { return true }
	if patience > 0 {
		late = time.AfterFunc(patience, func() {
			k.clock.end(&auth.LoginError{
				Server: code.Server, Step: auth.LoginWait,
				Err: fmt.Errorf("nobody entered the code in %v; log in again, or allow for more time with --wait-for-auth", patience),
			})
		}).Stop
	}
	d.mu.Lock()
	if d.over != nil {
		d.over()
	}
	d.over = over
	d.mu.Unlock()
	k.clock.hold()
	go func() {
		<-ctx.Done()
		late()
		over()
		k.clock.release()
	}()
}

// end lets the clock go on.
func (d *deviceLogin) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over != nil {
		d.over()
		d.over = nil
	}
}

// showCode shows the person a code to enter on another device.
func (l *logins) showCode(ctx context.Context, code auth.DeviceCode) {
	l.coded.begin(ctx, code, l.asker.patience, l.asker.asker)
	address := code.URL
	if code.CompleteURL != "" {
		address = code.CompleteURL
	}
	l.app.err.Prompt("On another device, open\n%s\nand enter the code\n%s\n", terminal.Visible(address), terminal.Visible(code.UserCode))
}
