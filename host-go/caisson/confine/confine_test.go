//go:build linux

package confine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sys/unix"

	"github.com/caisson-dev/caisson/host-go/caisson"
	"github.com/caisson-dev/caisson/host-go/caisson/confine"
	"github.com/caisson-dev/caisson/host-go/caisson/policy"
)

// serving has this program be an MCP server, with a tool for each thing that a server may try.
const serving = "CAISSON_CONFINE_SERVE"

func TestMain(m *testing.M) {
	confine.Main()
	switch {
	case os.Getenv(serving) != "":
		serve()
	case len(os.Args) == 4 && os.Args[1] == "try": // a child of the server's
		fmt.Print(try(attempt{What: os.Args[2], At: os.Args[3]}))
	default:
		os.Exit(m.Run())
	}
}

// fastOpen connects by sending.
func fastOpen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: number, Addr: [4]byte(net.ParseIP(host).To4())})
}

type attempt struct {
	What string `json:"what"`
	At   string `json:"at"`
}

func serve() {
	server := mcp.NewServer(&mcp.Implementation{Name: "tries"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "try"}, func(_ context.Context, _ *mcp.CallToolRequest, a attempt) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: try(a)}}}, nil, nil
	})
	if err := server.Run(context.Background(), &mcp.StdioTransport{}); err != nil {
		os.Exit(1)
	}
}

// try tries something, and says "ok" or why not.
func try(a attempt) string {
	what, child := strings.CutPrefix(a.What, "child ")
	if child {
		self, err := os.Executable()
		if err != nil {
			return err.Error()
		}
		command := exec.Command(self, "try", what, a.At)
		command.Env = []string{"PATH=" + os.Getenv("PATH")}
		out, err := command.Output()
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	var err error
	switch what {
	case "read":
		_, err = os.ReadFile(a.At)
	case "list":
		_, err = os.ReadDir(a.At)
	case "write":
		err = os.WriteFile(a.At, []byte("theirs"), 0o600)
	case "truncate":
		err = os.Truncate(a.At, 0)
	case "remove":
		err = os.Remove(a.At)
	case "rename in":
		err = os.Rename(a.At, filepath.Join(filepath.Dir(a.At), "renamed"))
	case "link out and read": // a link of one's own that leads out
		link := filepath.Join(filepath.Dir(strings.SplitN(a.At, "|", 2)[0]), "link")
		_ = os.Remove(link)
		if err = os.Symlink(strings.SplitN(a.At, "|", 2)[1], link); err == nil {
			_, err = os.ReadFile(link)
		}
	case "hard link":
		parts := strings.SplitN(a.At, "|", 2)
		err = os.Link(parts[0], parts[1])
	case "connect":
		var c net.Conn
		if c, err = net.Dial("tcp", a.At); err == nil {
			_ = c.Close()
		}
	case "connect by MPTCP":
		var d net.Dialer
		d.SetMultipathTCP(true)
		var c net.Conn
		if c, err = d.Dial("tcp", a.At); err == nil {
			_ = c.Close()
		}
	case "MPTCP socket", "SMC socket":
		domain, protocol := unix.AF_INET, unix.IPPROTO_MPTCP
		if what == "SMC socket" {
			domain, protocol = unix.AF_SMC, 0
		}
		var fd int
		if fd, err = unix.Socket(domain, unix.SOCK_STREAM, protocol); err == nil {
			_ = unix.Close(fd)
		}
	case "connect by its first data":
		err = fastOpen(a.At)
	case "io_uring":
		var params [120]byte
		if _, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0); errno != 0 {
			err = errno
		}
	case "listen":
		var l net.Listener
		if l, err = net.Listen("tcp", a.At); err == nil {
			_ = l.Close()
		}
	case "abstract socket":
		var c net.Conn
		if c, err = net.Dial("unix", a.At); err == nil {
			_ = c.Close()
		}
	case "signal":
		var pid int
		if pid, err = strconv.Atoi(a.At); err == nil {
			err = syscall.Kill(pid, 0)
		}
	case "descriptor":
		fd, _ := strconv.Atoi(a.At)
		var stat syscall.Stat_t
		err = syscall.Fstat(fd, &stat)
	case "run":
		err = exec.Command(a.At).Run()
	default:
		err = errors.New("it is not known")
	}
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, os.ErrPermission), errors.Is(err, unix.EXDEV): // the latter for links into another hierarchy
		return "denied"
	}
	return err.Error()
}

// runtime is one for all tests.
func newClient(t *testing.T, source policy.Source) *caisson.Client {
	t.Helper()
	source.Name, source.Tools = "tries", []policy.Rule{{Name: []string{"**"}}}
	rules, err := policy.New(policy.Rules{Version: 1, Servers: []policy.Source{source}})
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := caisson.New(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runtime.Close() })
	client, err := runtime.NewClient(&caisson.ClientOptions{Governance: caisson.Governance{Policy: rules}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func server(t *testing.T) caisson.Server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return caisson.Server{Name: "tries", Command: self, Env: map[string]string{serving: "1"}}
}

// tries calls the tool, and compares what becomes of each attempt.
func tries(t *testing.T, client *caisson.Client, want map[attempt]string) {
	t.Helper()
	session, err := client.Connect(t.Context(), server(t))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for a, want := range want {
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "try", Arguments: a})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Content[0].(*mcp.TextContent).Text; got != want {
			t.Errorf("%s %s: %q, want %q", a.What, a.At, got, want)
		}
	}
}

func write(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFolders confines a server's command to folders. A kernel without Landlock fails the test.
func TestFolders(t *testing.T) {
	folder := t.TempDir()
	read, written, outside := filepath.Join(folder, "read"), filepath.Join(folder, "written"), filepath.Join(folder, "outside")
	secret := write(t, filepath.Join(outside, "secret"))
	for _, path := range []string{filepath.Join(read, "a"), filepath.Join(written, "a"), filepath.Join(written, "deep", "b"), filepath.Join(written, "hard")} {
		write(t, path)
	}
	for at, to := range map[string]string{filepath.Join(read, "out"): secret, filepath.Join(read, "up"): outside} {
		if err := os.Symlink(to, at); err != nil {
			t.Fatal(err)
		}
	}
	// A descriptor that anybody may inherit: it has no FD_CLOEXEC.
	leaked, err := syscall.Open(secret, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leaked)
	spare, err := syscall.Dup(leaked) // likewise
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(spare)
	abstract, err := net.Listen("unix", "@"+filepath.Base(folder)+strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	me := strconv.Itoa(os.Getpid())

	client := newClient(t, policy.Source{Folders: []policy.Folder{{Path: read, Access: policy.AccessRead}, {Path: written, Access: policy.AccessWrite}}})
	tries(t, client, map[attempt]string{
		{"read", filepath.Join(read, "a")}:               "ok",
		{"list", read}:                                   "ok",
		{"child read", filepath.Join(read, "a")}:         "ok",
		{"read", filepath.Join(written, "deep", "b")}:    "ok",
		{"write", filepath.Join(written, "new")}:         "ok",
		{"child write", filepath.Join(written, "child")}: "ok",
		{"rename in", filepath.Join(written, "a")}:       "ok",
		{"run", "/bin/true"}:                             "ok",
		{"write", "/dev/null"}:                           "ok",

		{"write", filepath.Join(read, "a")}:                               "denied",
		{"write", filepath.Join(read, "new")}:                             "denied",
		{"truncate", filepath.Join(read, "a")}:                            "denied",
		{"remove", filepath.Join(read, "a")}:                              "denied",
		{"read", secret}:                                                  "denied",
		{"list", outside}:                                                 "denied",
		{"write", filepath.Join(outside, "new")}:                          "denied",
		{"truncate", secret}:                                              "denied",
		{"remove", secret}:                                                "denied",
		{"child read", secret}:                                            "denied",
		{"child write", filepath.Join(outside, "new")}:                    "denied",
		{"read", filepath.Join(read, "out")}:                              "denied",
		{"read", filepath.Join(read, "up", "secret")}:                     "denied",
		{"read", filepath.Join(read, "..", "outside", "secret")}:          "denied",
		{"link out and read", filepath.Join(written, "x") + "|" + secret}: "denied",
		{"hard link", secret + "|" + filepath.Join(written, "secret")}:    "denied",
		{"read", "/proc/self/root" + secret}:                              "denied",
		{"read", "/proc/" + me + "/root" + secret}:                        "denied",
		{"read", "/proc/" + me + "/environ"}:                              "denied",
		{"read", "/proc/" + me + "/mem"}:                                  "denied",
		{"read", "/proc/" + me + "/fd/" + strconv.Itoa(leaked)}:           "denied",
		{"read", "/etc/shadow"}:                                           "denied",
		{"list", "/root"}:                                                 "denied",
		{"list", "/tmp"}:                                                  "denied",
		{"list", "/"}:                                                     "denied",
		{"descriptor", strconv.Itoa(spare)}:                               "bad file descriptor",
		{"abstract socket", abstract.Addr().String()}:                     "denied",
		{"signal", me}:                                                    "denied",
	})
	if text, err := os.ReadFile(secret); err != nil || string(text) != "ours" {
		t.Errorf("outside is %q, %v", text, err)
	}
	// Only that process was restricted.
	if got := try(attempt{"write", filepath.Join(outside, "mine")}); got != "ok" {
		t.Errorf("the program itself: %s", got)
	}
}

// TestPorts confines a server's command to a TCP port.
func TestPorts(t *testing.T) {
	listen := func() (*net.TCPListener, int) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for c, err := l.Accept(); err == nil; c, err = l.Accept() {
				go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
			}
		}()
		return l.(*net.TCPListener), l.Addr().(*net.TCPAddr).Port
	}
	granted, port := listen()
	other, _ := listen()
	secret := write(t, filepath.Join(t.TempDir(), "secret"))
	tries(t, newClient(t, policy.Source{Ports: []int{port}}), map[attempt]string{
		{"connect", granted.Addr().String()}:                       "ok",
		{"connect", other.Addr().String()}:                         "denied",
		{"child connect", other.Addr().String()}:                   "denied",
		{"connect by MPTCP", other.Addr().String()}:                "denied",
		{"connect by its first data", other.Addr().String()}:       "denied",
		{"child connect by its first data", other.Addr().String()}: "denied",
		{"MPTCP socket", ""}:                                       "protocol not supported",
		{"SMC socket", ""}:                                         "address family not supported by protocol",
		{"io_uring", ""}:                                           "function not implemented",
		{"listen", "127.0.0.1:0"}:                                  "denied",
		{"read", secret}:                                           "ok", // It has no folders.
	})
	tries(t, newClient(t, policy.Source{Ports: []int{}, Folders: []policy.Folder{}}), map[attempt]string{
		{"connect", granted.Addr().String()}: "denied",
		{"read", secret}:                     "denied",
	})
	tries(t, newClient(t, policy.Source{}), map[attempt]string{
		{"connect", other.Addr().String()}: "ok",
		{"listen", "127.0.0.1:0"}:          "ok",
		{"read", secret}:                   "ok",
	})
}

// TestNothingIsStarted finds that a command is not started whose rules cannot be carried out.
func TestNothingIsStarted(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "started")
	touch := caisson.Server{Name: "tries", Command: "touch", Args: []string{marker}}
	none := filepath.Join(t.TempDir(), "none")
	file := write(t, filepath.Join(t.TempDir(), "file"))
	for name, source := range map[string]policy.Source{
		"a folder that is not there": {Folders: []policy.Folder{{Path: none, Access: policy.AccessRead}}},
		"a file":                     {Folders: []policy.Folder{{Path: file, Access: policy.AccessWrite}}},
		"origins":                    {Origins: []string{"https://a.example.com"}, Folders: []policy.Folder{}},
	} {
		_, err := newClient(t, source).Connect(t.Context(), touch)
		var no *policy.DeniedError
		if !errors.As(err, &no) || caisson.CodeOf(err) != caisson.CodeDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command was started")
	}
	// A command whose interpreter is outside says so.
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!"+file+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := newClient(t, policy.Source{Folders: []policy.Folder{}}).Connect(t.Context(), caisson.Server{Name: "tries", Command: script})
	if err == nil || !strings.Contains(err.Error(), "an interpreter, must be in one of its folders") {
		t.Errorf("an interpreter outside: %v", err)
	}
}
