package egress

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// brisk does not wait long for a command that does not want to end.
var brisk = Options{CloseWait: 50 * time.Millisecond, TermWait: 50 * time.Millisecond}

// unhurried fails a test by its timeout when a command needs to be ended, and should not.
var unhurried = Options{CloseWait: 2 * patience, TermWait: 2 * patience}

func TestCommandEndsByItself(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []string
		want  []string
		never string
	}{
		{"well", []string{"out x\\n"}, []string{"ended with exit status 0; run it by hand to see why"}, ""},
		{"with a code", []string{"out x\\n", "exit 3"}, []string{"ended with exit status 3"}, ""},
		{"with words", []string{"out x\\n", `err first\nmissing \x1b[31mtoken\x1b[0m\r\n\n`, "exit 1"}, []string{"ended with exit status 1; the last it said on standard error:\nfirst\nmissing [31mtoken[0m"}, "\x1b"},
		{"with many words", []string{"out x\\n", "err start" + strings.Repeat(`words and words\n`, 1000) + `the end`, "exit 1"}, []string{"words and words\nthe end"}, "start"},
		{"with a secret", []string{"out x\\n", `err the key s3cret-value-1 is wrong, see /`, "exit 1"}, []string{"the key *** is wrong, see /"}, "s3cret"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := child(t, test.steps...)
			command.Env = append(command.Env, "KEY=s3cret-value-1", "EMPTY=", "ROOT=/")
			s, sink := openCommand(t, unhurried, command)
			s.PipeWrite(ref(1), "nobody reads this")
			events, err := sink.ended(t, ref(1))
			wantError(t, err, Transport, append(test.want, `server "files": command "`)...)
			if got := messagesOf(events); len(got) != 1 || got[0] != "x" {
				t.Errorf("messages %q", got)
			}
			if test.never != "" && strings.Contains(err.Message, test.never) {
				t.Errorf("the message has %q: %s", test.never, err.Message)
			}
			if len(err.Message) > 3<<10 {
				t.Errorf("a message of %d bytes", len(err.Message))
			}
			var exit *exec.ExitError
			if failed := test.name != "well"; errors.As(err, &exit) != failed {
				t.Errorf("cause %#v", err.Err)
			}
		})
	}
}

// However a command behaves, a close ends it, and is not an error.
func TestPipeClose(t *testing.T) {
	for _, test := range []struct {
		name  string
		opts  Options
		steps []string
	}{
		{"ends with its input", unhurried, []string{"out x\\n", "drain", "exit 7"}},
		{"ends when asked", Options{CloseWait: 50 * time.Millisecond, TermWait: 2 * patience}, []string{"out x\\n", "hang"}},
		{"never ends", brisk, []string{"ignore-term", "out x\\n", "hang"}},
		{"never reads", brisk, []string{"ignore-term", "out x\\n", "fill 1000000", "hang"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if runtime.GOOS == "windows" && test.opts.TermWait > patience {
				t.Skip("a command without a console is not asked")
			}
			s, sink := open(t, test.opts, test.steps...)
			sink.until(t, ref(1), func(events []event) bool { return len(events) > 0 })
			for range 100 { // more than its input holds
				s.PipeWrite(ref(1), strings.Repeat("y", 10_000))
			}
			s.PipeClose(ref(1))
			s.PipeClose(ref(1))
			_, err := sink.ended(t, ref(1))
			noError(t, err)
		})
	}
}

// A pipe that is closed before its command is started does not start it, or ends it.
func TestPipeCloseAtOnce(t *testing.T) {
	s, sink := start(t, Grant{Command: child(t, "drain")}, unhurried)
	for generation := range uint64(MaxStarts) {
		ref := Ref{ID: 1, Generation: generation}
		if err := s.PipeOpen(ref); err != nil {
			t.Fatal(err)
		}
		s.PipeClose(ref)
		_, err := sink.ended(t, ref)
		noError(t, err)
	}
}

// A command that closes a standard stream and lives on is no use, and is ended.
func TestCommandClosesAStream(t *testing.T) {
	for stream, name := range map[string]string{"close-stdout": "standard output", "close-stdin": "standard input"} {
		s, sink := open(t, brisk, "out x\\n", "err words", stream, "hang")
		sink.until(t, ref(1), func(events []event) bool { return len(events) > 0 })
		if stream == "close-stdin" {
			// Until the command has come to its step, the message goes into the pipe.
			go func() {
				for sinkOpen(sink) {
					s.PipeWrite(ref(1), "x")
					runtime.Gosched()
				}
			}()
		}
		_, err := sink.ended(t, ref(1))
		wantError(t, err, Transport, "closed its "+name+", and was ended", "the last it said on standard error:\nwords")
	}
}

func sinkOpen(sink *recorder) bool {
	events := sink.of(ref(1))
	return events[len(events)-1].kind != "closed"
}

func TestPipeLimits(t *testing.T) {
	opts := unhurried // its limit does not wait for a command to end well
	opts.MaxMessage = 1 << 20
	t.Run("largest line", func(t *testing.T) {
		_, sink := open(t, opts, "fill 1048576", "out \\r\\n", "fill 1048576")
		events, err := sink.ended(t, ref(1))
		wantError(t, err, Transport, "exit status 0")
		if got := messagesOf(events); len(got) != 2 || len(got[0]) != 1<<20 || len(got[1]) != 1<<20 {
			t.Errorf("%d messages", len(got))
		}
	})
	for name, steps := range map[string][]string{
		"line too large":           {"out x\\n", "fill 1048577", "out \\n", "out late\\n", "hang"},
		"line too large, no end":   {"out x\\n", "fill 20000000", "hang"},
		"last line too large":      {"out x\\n", "fill 1048577"},
		"line too large, stubborn": {"out x\\n", "ignore-term", "fill 20000000", "hang"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := opts
			if strings.Contains(name, "stubborn") {
				opts.TermWait = 50 * time.Millisecond
			}
			if runtime.GOOS == "windows" {
				opts = brisk
				opts.MaxMessage = 1 << 20
			}
			_, sink := open(t, opts, steps...)
			events, err := sink.ended(t, ref(1))
			wantError(t, err, Limit, "larger than the limit of 1048576 bytes", "ClientOptions.MaxMessageBytes", "command")
			if got := messagesOf(events); len(got) != 1 || got[0] != "x" {
				t.Errorf("%d messages", len(got))
			}
		})
	}
	t.Run("too much unsent", func(t *testing.T) {
		s, sink := open(t, brisk, "out x\\n", "hang")
		sink.until(t, ref(1), func(events []event) bool { return len(events) > 0 })
		message := strings.Repeat("y", 8<<20)
		for range 10 {
			s.PipeWrite(ref(1), message)
		}
		_, err := sink.ended(t, ref(1))
		wantError(t, err, Limit, "more than 67108864 bytes wait for command", "does not read")
	})
	// requirement: stdio.lines
	t.Run("line break", func(t *testing.T) {
		s, sink := open(t, brisk, "echo")
		s.PipeWrite(ref(1), "a\nb")
		events, err := sink.ended(t, ref(1))
		wantError(t, err, Refused, "line break")
		if len(events) != 0 {
			t.Errorf("events %+v", events)
		}
	})
}

// blocking is a Sink whose PipeData blocks until it is opened.
type blocking struct {
	*recorder
	open chan struct{}
}

func (b blocking) PipeData(ref Ref, message string, more bool) {
	<-b.open
	b.recorder.PipeData(ref, message, more)
}

// What a command said before it ended is not lost, however slow the sink is.
func TestSlowSink(t *testing.T) {
	sink := blocking{newRecorder(), make(chan struct{})}
	listener := listen(t)
	command := child(t, "out "+strings.Repeat(`line\n`, 3000), "hold "+listener.Addr().String())
	s := NewBroker(Grant{Command: command}, sink, unhurried)
	defer s.Close()
	if err := s.PipeOpen(ref(1)); err != nil {
		t.Fatal(err)
	}
	accept(t, listener).Close() // it has said everything, and ends
	// Late enough that the command has most likely gone; the outcome is the same if it has not.
	time.AfterFunc(3*grace, func() { close(sink.open) })
	events, err := sink.ended(t, ref(1))
	wantError(t, err, Transport, "exit status 0")
	if n := len(messagesOf(events)); n != 3000 {
		t.Errorf("%d messages of 3000", n)
	}
}

// What a command leaves behind is ended with it, and cannot hold the pipe open.
func TestDescendants(t *testing.T) {
	for _, closed := range []bool{false, true} {
		for _, spawn := range []string{"spawn", "spawn-detached"} {
			t.Run(fmt.Sprintf("%s, closed %v", spawn, closed), func(t *testing.T) {
				descendant, command := listen(t), listen(t)
				last := "hold " + command.Addr().String()
				if closed {
					last = "drain"
				}
				s, sink := open(t, unhurried, spawn+" "+descendant.Addr().String(), "out x\\n", last)
				conn := accept(t, descendant)
				defer conn.Close() // ends one that got away
				if closed {
					s.PipeClose(ref(1))
				} else {
					accept(t, command).Close() // only now it ends: before, there may be no descendant
				}
				events, err := sink.ended(t, ref(1))
				if closed {
					noError(t, err)
				} else {
					wantError(t, err, Transport, "exit status 0")
				}
				if got := messagesOf(events); len(got) != 1 || got[0] != "x" {
					t.Errorf("messages %q", got)
				}
				s.Close()
				if spawn == "spawn-detached" && runtime.GOOS != "windows" {
					return
				}
				if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				var timeout net.Error
				if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
					t.Errorf("the descendant lives: %v", err)
				}
			})
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := listener.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return listener
}

func accept(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
