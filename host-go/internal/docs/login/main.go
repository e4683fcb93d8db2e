// Login lists the tools of a server that asks for authorization.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/caisson/auth/keyring"
)

func main() {
	port := flag.Int("port", auth.DefaultPort, "the port that the browser comes back to")
	flag.Parse()
	if err := run(context.Background(), flag.Arg(0), *port); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, port int) error {
	store, err := auth.OpenFileStore(auth.FileStoreOptions{Key: keyring.OrFile()})
	if err != nil {
		return err
	}
	login := &auth.OAuth{
		// Without a display, Notice shows the person where to log in.
		Ask:    &auth.Browser{Port: port, Notice: func(text string) { fmt.Fprint(os.Stderr, text) }},
		Common: auth.Common{Store: store, OnEvent: show},
	}
	runtime, err := caisson.New(ctx, nil)
	if err != nil {
		return err
	}
	defer runtime.Close()
	session, err := runtime.Connect(ctx, caisson.Server{URL: url, Auth: login})
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.ListTools(ctx, nil)
	if err != nil {
		return err
	}
	for _, tool := range result.Tools {
		fmt.Println(tool.Name)
	}
	return nil
}

// show says each step. No event has a secret in it.
func show(e auth.Event) {
	switch e.Kind {
	case auth.EventDiscovered:
		fmt.Fprintln(os.Stderr, "the authorization server is", e.Issuer)
	case auth.EventRegistered:
		fmt.Fprintln(os.Stderr, "registered there as", e.ClientID)
	case auth.EventAsked:
		fmt.Fprintln(os.Stderr, "somebody is asked to log in, for", strings.Join(e.Scopes, " "))
	case auth.EventGranted, auth.EventRefreshed:
		fmt.Fprintln(os.Stderr, "there is a token, until", e.Expiry.Format(time.RFC3339))
	case auth.EventSteppedUp:
		fmt.Fprintln(os.Stderr, "the server demands more:", strings.Join(e.Scopes, " "))
	case auth.EventUnsaved: // The token is used from memory until the store works again.
		fmt.Fprintln(os.Stderr, "the login cannot be kept:", e.Err)
	case auth.EventRequest, auth.EventRefused: // The error of the call says why it came to nothing.
	}
}

// explain says what to do about an error.
func explain(err error) string {
	var (
		scope    *auth.ScopeError
		refused  *auth.RefusedError
		login    *auth.LoginError
		source   *auth.SourceError
		required *auth.RequiredError
		away     *auth.UnavailableError
	)
	switch {
	case errors.As(err, &scope): // Common.Scopes has the scopes that may be asked for.
		return "the server demands more than is to be asked for: " + strings.Join(scope.Scopes, " ")
	case errors.As(err, &refused): // access_denied, say, or invalid_client.
		return "the login was refused: " + refused.Code + " " + refused.Description
	case errors.As(err, &login):
		return "the login came to nothing: " + login.Err.Error()
	case errors.As(err, &source): // Of auth.FromFile, FromEnvironment and FromCommand.
		return "there is no token: " + source.Error()
	case errors.As(err, &required): // There was nobody to ask.
		return "log in first: " + required.Error()
	case errors.As(err, &away): // Nobody has refused anything: what is kept of a login is still good.
		return "try again later: " + away.Error()
	case errors.Is(err, caisson.CodeAuthorizationRequired):
		return "the server wants authorization: " + err.Error()
	case errors.Is(err, caisson.CodeConnect):
		return "the server cannot be reached: " + err.Error()
	}
	return err.Error()
}
