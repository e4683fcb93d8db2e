package auth_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caisson-dev/caisson/host-go/caisson/auth"
)

// A program with a desktop needs nothing but the zero value.
func ExampleBrowser() {
	login := &auth.OAuth{Ask: &auth.Browser{}}
	fmt.Println(login.Validate(), login.Ask.RedirectURL())
	// Output: <nil> http://127.0.0.1:28252/oauth/callback
}

// A program at a terminal shows the URL too, and takes the callback from whoever has the browser elsewhere.
func ExampleBrowser_terminal() {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	login := &auth.OAuth{Ask: &auth.Browser{
		NoBrowser: true,
		Wait:      15 * time.Minute,
		Notice:    func(text string) { fmt.Fprint(os.Stderr, text) },
		Prompt: func(ctx context.Context) (string, error) {
			select {
			case line := <-lines: // "" at the end of the input, which is no callback.
				return line, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		},
	}}
	fmt.Println(login.Validate())
	// Output: <nil>
}

// A platform puts a token into a file, and another one there before it ends.
func ExampleFromFile() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "token")
	server := &auth.Bearer{Source: auth.FromFile(path)}
	for _, token := range []string{"first\n", "second\n"} {
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			panic(err)
		}
		fmt.Println(server.Source(context.Background()))
	}
	// Output:
	// first <nil>
	// second <nil>
}

// A cloud's own program gives tokens for whoever is logged in there.
func ExampleFromCommand() {
	server := &auth.Bearer{Source: auth.FromCommand("gcloud", "auth", "print-access-token")}
	fmt.Println(server.Validate())
	// Output: <nil>
}

// A CI job has its token in a variable.
func ExampleFromEnvironment() {
	server := &auth.WorkloadIdentity{Assertion: auth.FromEnvironment("ID_TOKEN")}
	fmt.Println(server.Validate())
	// Output: <nil>
}
