package main

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/jsontext"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A watch prints the changes that a server reports, until the program is interrupted.
type watch struct {
	app    *app
	want   mcp.NotificationSubscriptions
	asJSON bool
	length time.Duration // 0 for no end

	changes chan change
	over    chan struct{} // closed when nothing more is printed
}

// A change is a notification.
type change struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

func newWatch(a *app) *watch {
	return &watch{app: a, changes: make(chan change), over: make(chan struct{})}
}

func (w *watch) register(c *cobra.Command) {
	durationFlag(c, &w.length, "for", 0, "end after `DURATION` (default: when it is interrupted)")
	c.Flags().BoolVar(&w.asJSON, "json", false, "print each notification as the server sent it, one a line")
}

func (w *watch) check(c *cobra.Command) error {
	if c.Flags().Changed("for") && w.length <= 0 {
		return usage(c, "--for must be more than 0")
	}
	return nil
}

func (w *watch) action() action { return action{use: w.use, onNotification: w.onNotification} }

// onNotification passes a notification on, in order. A slow reader of the output delays only the server's
// notifications.
func (w *watch) onNotification(ctx context.Context, method string, params json.RawMessage) {
	select {
	case w.changes <- change{method, params}:
	case <-w.over:
	case <-ctx.Done():
	}
}

// A watching asks the server for notifications as long as it lasts.
type watching struct {
	ended <-chan error // gets an error when the server ends it
	end   func(context.Context) error
}

func (w *watch) use(ctx context.Context, client *client) error {
	watching, err := client.watch(ctx, &w.want)
	if err != nil {
		return err
	}
	client.clock.hold() // The clock stays stopped: watching has no time limit.
	w.app.err.Say("listening to %s: interrupt to end", client.session.Name())
	err = w.print(ctx, client, watching.ended)
	close(w.over)
	if err != nil {
		return err
	}
	// The context may have ended already.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), client.clock.bound)
	defer cancel()
	return watching.end(ctx)
}

// print prints changes until the end. The end is no error when it comes from the user, or in a way that the
// protocol has.
func (w *watch) print(ctx context.Context, client *client, ended <-chan error) error {
	closed := make(chan error, 1)
	go func() { closed <- client.session.Wait() }()
	var enough <-chan time.Time
	if w.length > 0 {
		timer := time.NewTimer(w.length)
		defer timer.Stop()
		enough = timer.C
	}
	for {
		select {
		case c := <-w.changes:
			if err := w.printChange(&c); err != nil {
				return err
			}
		case err := <-closed:
			return err
		case err := <-ended:
			if err == nil {
				w.app.err.Say("the server ended the subscription")
			}
			return err
		case <-enough:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *watch) printChange(c *change) error {
	var p struct {
		URI string `json:"uri"`
	}
	_ = json.Unmarshal(c.Params, &p)
	var line string
	switch {
	case c.Method == "notifications/tools/list_changed" && w.want.ToolsListChanged:
		line = "the list of tools has changed"
	case c.Method == "notifications/prompts/list_changed" && w.want.PromptsListChanged:
		line = "the list of prompts has changed"
	case c.Method == "notifications/resources/list_changed" && w.want.ResourcesListChanged:
		line = "the list of resources has changed"
	case c.Method == "notifications/resources/updated" && len(w.want.ResourceSubscriptions) > 0:
		line = "updated " + terminal.OneLine(p.URI, terminal.MaxLine)
	default:
		return nil
	}
	if w.asJSON {
		text, err := jsontext.Marshal(c)
		if err != nil {
			return err
		}
		line = string(text)
	}
	return w.app.printf("%s\n", line)
}

// firstWithListen is the first revision in which servers report changes only when a client asks for them.
const firstWithListen = "2026-07-28"

// watch asks the server for notifications, in the form of the session's revision.
func (c *client) watch(ctx context.Context, want *mcp.NotificationSubscriptions) (*watching, error) {
	if c.session.ProtocolVersion() >= firstWithListen {
		return c.listen(ctx, want)
	}
	for _, uri := range want.ResourceSubscriptions {
		err := c.do(ctx, "resources/subscribe", func(ctx context.Context) error {
			return c.session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri})
		})
		if err != nil {
			return nil, err
		}
	}
	return &watching{end: func(ctx context.Context) error {
		for _, uri := range want.ResourceSubscriptions {
			if err := c.unsubscribe(ctx, uri); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

func (c *client) unsubscribe(ctx context.Context, uri string) error {
	return c.do(ctx, "resources/unsubscribe", func(ctx context.Context) error {
		return c.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: uri})
	})
}

// listen is watch in revision 2026-07-28. It prints what the server does not grant.
func (c *client) listen(ctx context.Context, want *mcp.NotificationSubscriptions) (w *watching, err error) {
	err = c.do(ctx, "subscriptions/listen", func(ctx context.Context) error {
		sub, err := c.session.Listen(ctx, &mcp.SubscriptionsListenParams{Notifications: want})
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- sub.Wait() }()
		w = &watching{ended: ended, end: func(context.Context) error { return sub.Close() }}
		c.tellRefused(want, sub.Granted())
		return nil
	})
	return w, err
}

func (c *client) tellRefused(want, granted *mcp.NotificationSubscriptions) {
	for _, kind := range []struct {
		name          string
		want, granted bool
	}{
		{"tools", want.ToolsListChanged, granted.ToolsListChanged},
		{"prompts", want.PromptsListChanged, granted.PromptsListChanged},
		{"resources", want.ResourcesListChanged, granted.ResourcesListChanged},
	} {
		if kind.want && !kind.granted {
			c.app.err.Say("the server does not report changes of its list of %s", kind.name)
		}
	}
	for _, uri := range want.ResourceSubscriptions {
		if !slices.Contains(granted.ResourceSubscriptions, uri) {
			c.app.err.Say("the server does not report changes of %s", uri)
		}
	}
}
