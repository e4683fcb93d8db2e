package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A worker is a Python process, which ends when its standard input does.
type worker struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// startWorker starts a script and gives the first line that it prints.
func startWorker(python, folder, script string) (*worker, string, error) {
	w := &worker{command: exec.Command(python, filepath.Join(folder, script))}
	w.command.Stderr = os.Stderr
	out, err := w.command.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if w.in, err = w.command.StdinPipe(); err != nil {
		return nil, "", err
	}
	if err := w.command.Start(); err != nil {
		return nil, "", err
	}
	w.out = bufio.NewReaderSize(out, 64<<10)
	line, err := w.out.ReadString('\n')
	if err != nil {
		_ = w.Close()
		return nil, "", fmt.Errorf("%s did not begin: %w", script, err)
	}
	return w, strings.TrimSpace(line), nil
}

func (w *worker) helpers() []int { return []int{w.command.Process.Pid} }

func (w *worker) Close() error {
	_ = w.in.Close()
	return w.command.Wait()
}
