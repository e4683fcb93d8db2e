package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// maxSecretBytes is how large a token may be that a file, a variable or a command gives. A token has a few kB,
// and servers take no more than some ten in a request's header.
const maxSecretBytes = 64 << 10

// FromFile gives the text of a file, without white space around it, for [Bearer].Source,
// [WorkloadIdentity].Assertion and [EnterpriseManaged].IDToken. It reads the file at each call, since a
// platform such as Kubernetes puts another token there before the last one ends. It fails with a
// [*SourceError].
func FromFile(path string) func(context.Context) (string, error) {
	source := "the file " + path
	return func(ctx context.Context) (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return "", &SourceError{Source: source, Remedy: "see that it is there and can be read", Err: err}
		case !info.Mode().IsRegular(): // A pipe may have no end, and a device no beginning.
			return "", &SourceError{Source: source, Remedy: "name a file", Err: errors.New("it is not a regular file")}
		}
		file, err := os.Open(path)
		if err != nil {
			return "", &SourceError{Source: source, Remedy: "see that it can be read", Err: err}
		}
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
		if err != nil {
			return "", &SourceError{Source: source, Remedy: "see that it can be read", Err: err}
		}
		return secret(source, text)
	}
}

// FromEnvironment gives an environment variable, as [FromFile] gives a file. It reads the variable at each
// call.
func FromEnvironment(name string) func(context.Context) (string, error) {
	source := "the environment variable " + name
	return func(ctx context.Context) (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		text, ok := os.LookupEnv(name)
		if !ok {
			return "", &SourceError{Source: source, Remedy: "set it", Err: errors.New("it is not set")}
		}
		return secret(source, []byte(text))
	}
}

// FromCommand gives what a command prints on its standard output, as [FromFile] gives a file. It runs the
// command at each call, without a shell, and kills it when the context ends or the output has more than
// 64 KiB. What the command prints on standard error is dropped, since it may be secret too; a command that
// needs a person can ask on the terminal itself.
func FromCommand(name string, args ...string) func(context.Context) (string, error) {
	source := "the command " + name
	args = append([]string(nil), args...)
	return func(ctx context.Context) (string, error) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		running, stop := context.WithCancel(ctx)
		defer stop()
		cmd := exec.CommandContext(running, name, args...)
		output := &bounded{full: stop}
		cmd.Stdout = output
		// What the command has started may hold the output open for longer than the command lives.
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		switch {
		case ctx.Err() != nil:
			return "", &SourceError{Source: source, Remedy: "run it by hand to see what it waits for", Err: context.Cause(ctx)}
		case len(output.text) > maxSecretBytes:
			return secret(source, output.text)
		case err != nil: // It names the program and its exit, and neither arguments nor output.
			return "", &SourceError{Source: source, Remedy: "run it by hand to see why", Err: err}
		}
		return secret(source, output.text)
	}
}

// A bounded buffer takes as much as a secret may have, and one byte more; then it is full.
type bounded struct {
	text []byte
	full func()
}

func (b *bounded) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), maxSecretBytes+1-len(b.text))]...)
	if len(b.text) > maxSecretBytes {
		b.full()
	}
	return len(p), nil
}

// secret gives the token in a text. No error quotes it.
func secret(source string, text []byte) (string, error) {
	fail := func(remedy, format string, args ...any) (string, error) {
		return "", &SourceError{Source: source, Remedy: remedy, Err: fmt.Errorf(format, args...)}
	}
	if len(text) > maxSecretBytes {
		return fail("see that it holds a token and nothing else", "it has more than %d bytes", maxSecretBytes)
	}
	// Editors of one system put a byte order mark first.
	token := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	switch {
	case token == "":
		return fail("put a token there", "it is empty")
	// RFC 6749, appendix A.12; anything else would break the header that it goes into.
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }):
		return fail("see that it holds a token in ASCII, on one line, and nothing else", "it has a line break or another character that no token has")
	}
	return token, nil
}
