package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// MaxUnsent is how much may wait for a command that does not read, in bytes; or twice the largest
// message, if that is more.
const MaxUnsent = 64 << 20

// pipe is one command and the messages to and from it.
type pipe struct {
	session *Broker
	ref     Ref
	name    string // for messages: as it was configured, without its arguments
	outbox  *outbox

	stopping chan struct{} // closed by the first stop
	stopOnce sync.Once
	why      *Error // the reason of the first stop; nil when the core asked for it
}

func newPipe(s *Broker, ref Ref) *pipe {
	name := "the transport"
	if command := s.policy.command; command != nil {
		name = fmt.Sprintf("command %q", command.Path)
	}
	return &pipe{
		session:  s,
		ref:      ref,
		name:     name,
		outbox:   newOutbox(max(MaxUnsent, 2*s.opts.MaxMessage)),
		stopping: make(chan struct{}),
	}
}

// run does the pipe and tells the sink.
func (p *pipe) run() {
	err := p.serve()
	if p.session.releasePipe(p) {
		p.session.sink.PipeClosed(p.ref, err)
	}
}

// live reports whether the sink must still get events.
func (p *pipe) live() bool { return p.session.ctx.Err() == nil }

// stop begins the end of the pipe. why is nil when the core asked for it. The first reason counts.
func (p *pipe) stop(why *Error) {
	p.stopOnce.Do(func() {
		p.why = why
		p.outbox.close()
		close(p.stopping)
	})
}

// write has a message sent.
func (p *pipe) write(message string) {
	policy := p.session.policy
	switch {
	case strings.Contains(message, "\n"):
		p.stop(policy.refuse("a message with a line break in it cannot be sent to " + p.name))
	case !p.outbox.push(message):
		p.stop(policy.fail(Limit, fmt.Sprintf("more than %d bytes wait for %s, which does not read them", p.outbox.limit, p.name), nil))
	}
}

// serve runs the command until it is gone. It returns nil when the core asked for the end.
func (p *pipe) serve() *Error {
	policy := p.session.policy
	if policy.dial != nil {
		return p.serveMessages()
	}
	if why, needless := p.needless(); needless {
		return why
	}
	process, err := startProcess(policy.command)
	if err != nil {
		return p.notStarted(err)
	}
	var (
		kept     tail
		workers  sync.WaitGroup // all that the command's end ends
		drained  = make(chan struct{})
		forced   bool
		state    *os.ProcessState
		complete = make(chan struct{})
	)
	workers.Go(func() { p.send(process) })
	go func() {
		defer close(complete)
		forced, state = p.supervise(process, drained)
	}()
	stderrRead := make(chan struct{})
	go func() {
		defer close(stderrRead)
		drainStderr(process.stderr, &kept, &p.session.opts, policy.server)
	}()
	p.receive(process)
	<-stderrRead
	close(drained)
	<-complete
	workers.Wait()
	return p.reason(forced, state, kept.text())
}

// needless reports whether the pipe has ended before its command was started, with nothing to send,
// and why.
func (p *pipe) needless() (why *Error, needless bool) {
	select {
	case <-p.stopping:
		return p.why, p.why != nil || p.outbox.empty() || !p.live()
	default:
		return nil, false
	}
}

// supervise waits for the end, brings it about when it is wanted, and clears up after it.
func (p *pipe) supervise(process *process, drained <-chan struct{}) (forced bool, state *os.ProcessState) {
	closeWait := p.session.opts.CloseWait
	select {
	case <-process.exited:
	case <-p.stopping:
		if p.why != nil && p.why.Kind == Limit { // it does not deserve to be waited for
			closeWait = 0
		}
	}
	p.outbox.close()
	forced = process.end(closeWait, p.session.opts.TermWait)
	return forced, process.cleanUp(drained)
}

// send writes the messages to the command as they come, and closes its standard input at the end.
func (p *pipe) send(process *process) {
	defer process.stdin.Close()
	writer := bufio.NewWriterSize(process.stdin, 32<<10)
	for {
		batch := p.outbox.next()
		if batch == nil {
			return
		}
		for _, message := range batch {
			_, _ = writer.WriteString(message) // its errors come back from Flush
			_ = writer.WriteByte('\n')
		}
		if err := writer.Flush(); err != nil {
			p.stop(p.broken("closed its standard input", err))
			return
		}
		p.outbox.sent(batch)
	}
}

// receive hands on the lines of the command's standard output until it ends. After a line that is
// too large it only reads: a command that is to end must not wait for its reader.
func (p *pipe) receive(process *process) {
	framed := lines{limit: p.session.opts.MaxMessage}
	buffer := make([]byte, 64<<10)
	ok := true
	for {
		n, err := process.stdout.Read(buffer)
		last := "" // line of what was read: with it the sink knows that no other follows at once
		for rest := buffer[:n]; len(rest) > 0 && ok; {
			var line string
			if rest, line, ok = framed.next(rest); line != "" {
				p.deliver(last, true)
				last = line
			}
		}
		p.deliver(last, false)
		if err != nil && ok {
			last, ok = framed.last()
			p.deliver(last, false)
		}
		if !ok {
			p.stop(p.tooLarge())
		}
		if err != nil {
			p.stop(p.broken("closed its standard output", nil))
			return
		}
	}
}

// tooLarge is the error of a message over the limit.
func (p *pipe) tooLarge() *Error {
	return p.session.policy.fail(Limit, fmt.Sprintf("a message of %s is larger than the limit of %d bytes; raise ClientOptions.MaxMessageBytes if it is right",
		p.name, p.session.opts.MaxMessage), nil)
}

// deliver hands on one line, unless it is empty.
func (p *pipe) deliver(line string, more bool) {
	if line != "" && p.live() {
		p.session.sink.PipeData(p.ref, line, more)
	}
}

// errStream marks the reason that a standard stream of the command's is closed. A command's end shows
// first in its streams. The end itself, when it is known, is the better reason.
var errStream = errors.New("a standard stream is closed")

func (p *pipe) broken(what string, err error) *Error {
	return p.session.policy.fail(Transport, p.name+" "+what+", and was ended", errors.Join(errStream, err))
}

// reason returns what to tell about the end of a command that was started.
func (p *pipe) reason(forced bool, state *os.ProcessState, lastLines string) *Error {
	p.stop(p.broken("ended", nil))
	if p.why == nil {
		return nil
	}
	failed := *p.why
	if errors.Is(failed.Err, errStream) && !forced && state != nil {
		failed = *p.session.policy.fail(Transport, p.name+" ended with "+state.String(), nil)
		if !state.Success() {
			failed.Err = &exec.ExitError{ProcessState: state}
		}
		if lastLines == "" {
			failed.Message += "; run it by hand to see why"
		}
	}
	if lastLines != "" {
		failed.Message += "; the last it said on standard error:\n" + p.session.policy.secrets.hide(lastLines)
	}
	return &failed
}

// notStarted is the error of a command that could not be started.
func (p *pipe) notStarted(err error) *Error {
	remedy := ""
	var wrong *fs.PathError
	switch {
	case errors.As(err, &wrong) && wrong.Op == "stat":
		remedy = "; correct its working directory"
	case (errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)) && strings.ContainsAny(p.session.policy.command.Path, " \t"):
		remedy = "; no shell splits the command: give its arguments apart from the program, or correct its path"
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		remedy = "; install it, or configure its full path"
	case errors.Is(err, fs.ErrPermission):
		remedy = "; make it executable"
	}
	return p.session.policy.fail(Connect, fmt.Sprintf("%s could not be started: %v%s", p.name, err, remedy), err)
}
