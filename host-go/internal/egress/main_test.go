package egress

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnv makes the test binary a command for the pipe tests: see play.
const childEnv = "CAISSON_EGRESS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		play(os.Args[1:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child returns a Command that plays steps: the test binary once more.
func child(t *testing.T, steps ...string) *Command {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &Command{Path: self, Args: steps, Env: append(os.Environ(), childEnv+"=1", "GORACE=atexit_sleep_ms=0")}
}

// play does steps, "verb argument" each, one after the other.
func play(steps []string) {
	for _, step := range steps {
		verb, argument, _ := strings.Cut(step, " ")
		switch verb {
		case "out":
			fmt.Fprint(os.Stdout, unquoted(argument))
		case "err":
			fmt.Fprint(os.Stderr, unquoted(argument))
		case "fill": // so many bytes, of no line
			n, err := strconv.Atoi(argument)
			check(err)
			_, err = os.Stdout.Write([]byte(strings.Repeat("x", n)))
			check(err)
		case "echo":
			scanner := bufio.NewScanner(os.Stdin)
			scanner.Buffer(nil, 256<<20)
			for scanner.Scan() {
				fmt.Fprintf(os.Stdout, "%s\n", scanner.Bytes())
			}
			check(scanner.Err())
		case "drain":
			_, err := io.Copy(io.Discard, os.Stdin)
			check(err)
		case "close-stdout":
			os.Stdout.Close()
		case "close-stdin":
			os.Stdin.Close()
		case "ignore-term":
			signal.Ignore(syscall.SIGTERM)
		case "hang":
			time.Sleep(time.Hour) // until it is killed
		case "getenv":
			fmt.Fprintln(os.Stdout, os.Getenv(argument))
		case "getwd":
			dir, err := os.Getwd()
			check(err)
			fmt.Fprintln(os.Stdout, dir)
		case "spawn", "spawn-detached": // a child of its own, at its standard streams, that holds
			self, err := os.Executable()
			check(err)
			cmd := exec.Command(self, "hold "+argument)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
			if verb == "spawn-detached" {
				detach(cmd)
			}
			check(cmd.Start())
		case "hold": // lives until the connection ends
			conn, err := net.Dial("tcp", argument)
			check(err)
			_, _ = io.Copy(io.Discard, conn)
		case "get": // an exchange, for what depends on the environment
			fmt.Fprintln(os.Stdout, getOnce(argument))
		case "exit":
			code, err := strconv.Atoi(argument)
			check(err)
			os.Exit(code)
		default:
			check(fmt.Errorf("no such step: %q", step))
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(99)
	}
}

func unquoted(s string) string {
	text, err := strconv.Unquote(`"` + s + `"`)
	check(err)
	return text
}
