package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
	"github.com/caisson-dev/caisson/host-go/cmd/caisson/internal/terminal"
)

// A loginAsker has a person log in: at a terminal, after a yes. It implements [auth.Asker].
type loginAsker struct {
	asker   *asker
	browser *auth.Browser
	// agreed says that the command is there to log in.
	agreed bool
	// wait says that the person who logs in may be away from this terminal.
	wait bool
	// noDevice says that a code for another device is no way out: it was asked for, and is not to be had.
	noDevice bool
	// noBrowser opens no browser.
	noBrowser bool
	// patience is how long a login may take; 0 for the default.
	patience time.Duration
}

// errDeclined is the cause of a login that the person does not want.
var errDeclined = errors.New("you have said no")

// RedirectURL implements [auth.Asker].
func (l *loginAsker) RedirectURL() string { return l.browser.RedirectURL() }

// Validate finds what is wrong with the port, before anything is asked for.
func (l *loginAsker) Validate() error { return l.browser.Validate() }

var errNobody = errors.New("there is no terminal")

// CanAsk says why nobody can be asked; see [auth.Asker].
func (l *loginAsker) CanAsk() error {
	if !l.asker.app.person() && !l.wait {
		return errNobody
	}
	return nil
}

// Ask implements [auth.Asker].
func (l *loginAsker) Ask(ctx context.Context, request auth.AskRequest) (string, error) {
	k := l.asker
	if err := l.CanAsk(); err != nil {
		return "", &auth.RequiredError{Server: request.Server, Issuer: request.Issuer, Scopes: request.Scopes, Resource: request.Resource, Err: err}
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	k.clock.hold()
	defer k.clock.release()
	k.app.err.Ask()
	defer k.app.err.Answered()
	if !l.agreed {
		if err := l.offer(ctx, request); err != nil {
			return "", err
		}
	}
	browser := *l.browser
	browser.NoBrowser, browser.Wait = l.noBrowser, l.patience
	browser.Notice = func(text string) { k.app.err.Prompt("%s", terminal.Visible(text)) }
	var open atomic.Bool // The cursor stands behind a prompt.
	question := "the address"
	if !l.noDevice {
		question = "Or end this, and log in with --device-code: it shows a code to enter on any other device, where the authorization server has that.\n" + question
	}
	browser.Prompt = func(ctx context.Context) (string, error) {
		open.Store(true)
		line, err := k.readLine(ctx, question)
		question = "the address"
		if errors.Is(err, errCancel) {
			return line, io.EOF
		}
		if err == nil {
			open.Store(false)
		}
		return line, err
	}
	defer func() {
		if open.Load() {
			k.app.err.Prompt("\n")
		}
	}()
	return browser.Ask(ctx, request)
}

// offer asks whether to log in.
func (l *loginAsker) offer(ctx context.Context, request auth.AskRequest) error {
	k := l.asker
	text := fmt.Sprintf("%s wants you to log in at %s", request.Server, request.Issuer)
	if len(request.Scopes) > 0 {
		text += fmt.Sprintf(", for %s", strings.Join(request.Scopes, " "))
	}
	k.app.err.Prompt("\n%s.\n", terminal.OneLine(text, terminal.MaxLine))
	line, err := k.readLine(ctx, "Log in now? y/N")
	answer := strings.ToLower(line)
	switch {
	case errors.Is(err, errCancel), err == nil && answer != "y" && answer != "yes":
		return errDeclined
	case err != nil:
		k.app.err.Prompt("\n") // The cursor stands behind the question.
		return err
	}
	return nil
}
