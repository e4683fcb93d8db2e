package isolation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// A process is one worker. It is the connection with it, too.
type process struct {
	command *exec.Cmd
	to      *os.File
	from    *os.File
	ended   chan struct{} // closed when it is reaped
	once    sync.Once
}

var errClosed = errors.New("the runtime is closed")

// scratchFolder makes a folder in which a worker puts compiled code before it loads it: beside the cache, where it only
// makes links, and needs to write nothing, or else among the temporary files.
func scratchFolder(folder string) (string, error) {
	const name = "caisson-worker-"
	if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err == nil {
			if made, err := os.MkdirTemp(folder, name); err == nil {
				return filepath.Abs(made)
			}
		}
	}
	return os.MkdirTemp("", name)
}

// start starts a worker: with an environment of nothing but its folder, and nothing that is open but its ends of two
// pipes. When it has ended, leave is called.
func (w *Workers) start(what, folder string, leave func()) (_ *process, err error) {
	scratch, err := scratchFolder(folder)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(scratch)
		}
	}()
	theirIn, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	from, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirIn.Close(), to.Close())
	}
	p := &process{to: to, from: from, ended: make(chan struct{})}
	prints := &messages{logger: w.logger}
	p.command = &exec.Cmd{
		Path: w.program, Args: []string{Name, what, folder, scratch}, Env: []string{"TMPDIR=" + scratch, "TMP=" + scratch},
		Stdin: theirIn, Stdout: theirOut, Stderr: prints,
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	err = errClosed
	if !w.closed {
		err = p.command.Start()
	}
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		_, _ = to.Close(), from.Close()
		return nil, err
	}
	w.all[p] = struct{}{}
	w.ended.Go(func() {
		_ = p.command.Wait()
		prints.end()
		_ = os.RemoveAll(scratch)
		w.mu.Lock()
		delete(w.all, p)
		w.mu.Unlock()
		leave()
		close(p.ended)
	})
	return p, nil
}

// end ends the process, and does not wait.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.command.Process.Kill()
		// A process that was not ended, since it was gone already, has left the pipes to be closed here.
		_ = p.to.Close()
	})
}

// Read reads what the process has written. When it ends, the error says how.
func (p *process) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if errors.Is(err, io.EOF) {
		<-p.ended
		_ = p.from.Close()
		return n, fmt.Errorf("it has ended: %s", p.command.ProcessState)
	}
	return n, err
}

// Write writes for the process. A process that does not read any more is ended, and the error says how it has ended: it
// may have ended by itself, before anything was written.
func (p *process) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	if err != nil {
		p.end()
		<-p.ended
		return n, fmt.Errorf("it has ended: %s: %w", p.command.ProcessState, err)
	}
	return n, nil
}

// messages logs what a worker prints: why it cannot confine itself, or why it crashed.
type messages struct {
	logger *slog.Logger
	line   []byte // that is not whole yet
	bytes  int
}

// mostPrinted bounds what is logged of one worker, in bytes.
const mostPrinted = 16 << 10

// Write implements [io.Writer].
func (m *messages) Write(b []byte) (int, error) {
	taken := b[:min(len(b), mostPrinted-m.bytes)]
	m.bytes += len(taken)
	m.line = append(m.line, taken...)
	for {
		line, rest, whole := bytes.Cut(m.line, []byte{'\n'})
		if !whole {
			return len(b), nil
		}
		m.line = line
		m.end()
		m.line = rest
	}
}

// end logs the line that is begun.
func (m *messages) end() {
	if len(m.line) > 0 {
		m.logger.Warn("a worker process prints", "text", strings.ToValidUTF8(string(m.line), "\uFFFD"))
	}
	m.line = nil
}
