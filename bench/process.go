package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/caisson-dev/caisson/host-go/bench/internal/wire"
)

// patience bounds every answer of a peer beyond the time that its work is given. The slowest is a
// first compile of the core on a busy machine.
const patience = 3 * time.Minute

// lingering bounds the wait for the output of a process that has ended: what it has started may hold on to it.
const lingering = 5 * time.Second

// A process is a peer that runs.
type process struct {
	peer    *peer
	command *exec.Cmd
	in      io.WriteCloser
	out     io.Closer
	replies chan wire.Reply // closed when there are no more
	stderr  *tail
	helpers []int
	began   time.Time
	loaded  time.Duration // until it was ready to connect
	failed  error         // it is of no more use
	limit   time.Duration // of each answer, beyond the time that its work is given
}

// start starts a peer and waits until it is ready.
func start(p *peer, env ...string) (*process, error) {
	r := &process{peer: p, command: exec.Command(p.command[0], p.command[1:]...), replies: make(chan wire.Reply), stderr: &tail{}, limit: patience}
	r.command.Env = append(os.Environ(), env...)
	r.command.Stderr = r.stderr
	r.command.WaitDelay = lingering
	out, err := r.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = out
	if r.in, err = r.command.StdinPipe(); err != nil {
		return nil, err
	}
	r.began = time.Now()
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	go r.read(out)
	ready, err := r.reply(patience)
	if err == nil && !ready.Ready {
		err = errors.New("it did not say that it is ready")
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("%s did not start: %w", p.name, err)
	}
	r.loaded = time.Since(r.began)
	r.helpers = ready.Helpers
	return r, nil
}

func (r *process) read(out io.Reader) {
	defer close(r.replies)
	for lines := bufio.NewReaderSize(out, 1<<20); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var reply wire.Reply
		if err := json.Unmarshal(line, &reply); err != nil {
			reply.Error = fmt.Sprintf("not a reply: %.200q", line)
		}
		r.replies <- reply
	}
}

// ask sends a request and waits for the reply. A reply that tells of an error is one.
func (r *process) ask(request wire.Request) (wire.Reply, error) {
	if r.failed != nil {
		return wire.Reply{}, r.failed
	}
	line, err := json.Marshal(request)
	if err != nil {
		return wire.Reply{}, err
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		r.failed = fmt.Errorf("%s has ended: %s", r.peer.name, r.stderr)
		return wire.Reply{}, r.failed
	}
	limit := r.limit
	if request.Work != nil {
		limit += time.Duration(request.Work.Seconds * float64(time.Second))
	}
	return r.reply(limit)
}

func (r *process) reply(limit time.Duration) (wire.Reply, error) {
	select {
	case reply, ok := <-r.replies:
		if !ok {
			r.failed = fmt.Errorf("%s has ended: %s", r.peer.name, r.stderr)
			return reply, r.failed
		}
		if reply.Error != "" {
			return reply, errors.New(firstLine(reply.Error))
		}
		return reply, nil
	case <-time.After(limit):
		r.failed = fmt.Errorf("%s has not answered for %s", r.peer.name, limit)
		return wire.Reply{}, r.failed
	}
}

// stop ends the peer by ending its input, or by force when it does not listen.
func (r *process) stop() {
	_ = r.in.Close()
	killer := time.AfterFunc(10*time.Second, func() {
		_ = r.command.Process.Kill()
		time.AfterFunc(lingering, func() { _ = r.out.Close() }) // What it has started may have its output, too.
	})
	for range r.replies {
	}
	_ = r.command.Wait()
	killer.Stop()
}

// pids are the processes that the peer consists of. Servers that it has started are none.
func (r *process) pids() []int { return append([]int{r.command.Process.Pid}, r.helpers...) }

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 300)]
}

// A tail keeps the last that was written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return lines[len(lines)-1]
}
