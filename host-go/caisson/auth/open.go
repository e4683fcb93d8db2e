package auth

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// opener gives the command that shows a URL in the person's browser, without the URL; it fails where there
// is no browser that the person could see.
func opener() (command []string, err error) {
	display := os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
	browser := os.Getenv("BROWSER") // A program's path, or a list that xdg-open understands.
	remote := os.Getenv("SSH_CONNECTION") != ""
	switch runtime.GOOS {
	case "windows":
		command = []string{"rundll32.exe", "url.dll,FileProtocolHandler"}
	case "darwin":
		command = []string{"open"}
	default:
		remote = false // A display over SSH is the person's own.
		command = []string{"xdg-open"}
		// An editor that works on another machine sets BROWSER to a program that opens URLs on the person's.
		if path, err := exec.LookPath(browser); err == nil {
			return []string{path}, nil
		}
		if !display && browser == "" {
			return nil, errors.New("there is no display")
		}
	}
	if remote {
		return nil, errors.New("the program runs over SSH")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	return append([]string{path}, command[1:]...), nil
}

// openBrowser shows a URL in the person's browser. No shell sees the URL. The command may be the browser
// itself and stay: then it goes on when the context ends, and a goroutine waits for its end.
func openBrowser(ctx context.Context, url string) error {
	command, err := opener()
	if err != nil {
		return err
	}
	cmd := exec.Command(command[0], append(command[1:], url)...)
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return errors.New(command[0] + ": " + err.Error())
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
