package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/caisson-dev/caisson/host-go/caisson/bearer"
)

// A machine has all that runs: NATS, a network that can be cut, the daemons, and the MCP servers.
type machine struct {
	options  *options
	folder   string
	tokens   []string // of the programs
	natsPort string
	nats     *process
	wire     *wire // between the last daemon and NATS
	effects  effects
	servers  [2]string // the URLs of a server that keeps something of a session, and of one that does not
	serving  *http.Server

	mu    sync.Mutex
	nodes []*process // the daemons, by their numbers
	peak  []int64    // the most memory that each had at the end of a phase, in bytes; 0 where it is not known
}

// A process is one that was started here.
type process struct {
	cmd     *exec.Cmd
	ended   chan struct{}
	address string
}

func spawn(ctx context.Context, log io.Writer, program string, arguments ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, arguments...), ended: make(chan struct{})}
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// kill ends a process without a word, by SIGKILL.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// freePort is one that nobody listens at; NATS has it again after it was killed.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

func (m *machine) start(ctx context.Context) error {
	if err := m.serve(); err != nil {
		return err
	}
	var err error
	if m.natsPort, err = freePort(); err != nil {
		return err
	}
	if err := m.startNATS(ctx); err != nil {
		return err
	}
	if m.wire, err = newWire("127.0.0.1:" + m.natsPort); err != nil {
		return err
	}
	for n := range m.options.programs {
		token, err := bearer.AddToken(ctx, filepath.Join(m.folder, "tokens.json"), fmt.Sprintf("program-%d", n), []string{"caisson:mcp", "caisson:scripts"})
		if err != nil {
			return err
		}
		m.tokens = append(m.tokens, token)
	}
	m.nodes, m.peak = make([]*process, m.options.nodes), make([]int64, m.options.nodes)
	for i := range m.nodes {
		if err := m.place(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// place starts a daemon, with a number.
func (m *machine) place(ctx context.Context, i int) error {
	at := "127.0.0.1:" + m.natsPort
	if i == len(m.nodes)-1 {
		at = m.wire.address
	}
	node, err := m.startNode(ctx, i, at)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes[i] = node
	return nil
}

// node is the daemon that has a number.
func (m *machine) node(i int) *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes[i]
}

// replace kills a daemon, and starts another one in its place.
func (m *machine) replace(ctx context.Context, i int) error {
	if err := m.node(i).kill(); err != nil {
		return err
	}
	pause(ctx, m.options.lost)
	return m.place(ctx, i)
}

// lose has the network of the last daemon lose what is sent in a direction for a while, without a word to either end.
func (m *machine) lose(ctx context.Context, d direction) error {
	m.wire.lose(d)
	pause(ctx, m.options.silent)
	m.wire.join()
	return nil
}

// measure notes the memory that each daemon has, where the system says so: Pss, since its sandboxes share pages, which
// would count for each of them.
func (m *machine) measure() {
	for i := range m.peak {
		m.measureOne(i)
	}
}

func (m *machine) measureOne(i int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", m.node(i).cmd.Process.Pid))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kilobytes); err == nil {
			m.peak[i] = max(m.peak[i], kilobytes<<10)
		}
	}
}

// peaks are the most memory of each daemon.
func (m *machine) peaks() (all []string) {
	for i := range m.peak {
		text := "-"
		if m.peak[i] > 0 {
			text = fmt.Sprintf("%d MB", m.peak[i]/1_000_000)
		}
		all = append(all, text)
	}
	return all
}

// startNATS starts NATS, and waits until it listens.
func (m *machine) startNATS(ctx context.Context) error {
	var err error
	m.nats, err = spawn(ctx, nil, m.options.natsServer, "--addr", "127.0.0.1", "--port", m.natsPort, "--jetstream", "--store_dir", filepath.Join(m.folder, "nats"))
	if err != nil {
		return err
	}
	for {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+m.natsPort); err == nil {
			return conn.Close()
		}
		select {
		case <-m.nats.ended:
			return errors.New("NATS has ended by itself")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// startNode starts a daemon, and reads of its log where it listens.
func (m *machine) startNode(ctx context.Context, i int, nats string) (*process, error) {
	path := filepath.Join(m.folder, fmt.Sprintf("caisson-%d.yaml", i))
	// All sessions may come to one daemon, those of scripts too; and those that are not known to have been made.
	most := 2*m.options.nodes*m.options.atOnce + 2*m.options.programs + 100
	text := fmt.Sprintf(`listen: 127.0.0.1:0
access: {tokens: tokens.json}
nats: {url: 'nats://%s'}
sessions: {max: %d, maxPerPrincipal: %d}
scripts: {maxPerPrincipal: %d, maxRuns: %d}
mcpServers: {state: {url: %s}, none: {url: %s}}
`, nats, most, most, most, most, m.servers[0], m.servers[1])
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	log, to := io.Pipe()
	node, err := spawn(ctx, to, m.options.caissond, "--config", path, "--log-format", "json")
	if err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "the daemon listens" {
				address <- line.Address
			}
		}
	}()
	select {
	case node.address = <-address:
		return node, nil
	case <-node.ended:
		return nil, fmt.Errorf("daemon %d has ended by itself", i)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// effects counts how often each thing was done.
type effects struct {
	mu sync.Mutex
	of map[string]int
}

// counts are how often each thing was done, and how many were done more than once.
func (e *effects) counts() (all map[string]int, twice int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.of {
		if n > 1 {
			twice++
		}
	}
	return maps.Clone(e.of), twice
}

// serve serves the two MCP servers, whose tool has an effect.
func (m *machine) serve() error {
	m.effects.of = map[string]int{}
	server := mcp.NewServer(&mcp.Implementation{Name: "load", Version: "1"}, nil)
	type do struct {
		Key string `json:"key"`
	}
	mcp.AddTool(server, &mcp.Tool{Name: "do", Description: "Does something once."}, func(_ context.Context, _ *mcp.CallToolRequest, in do) (*mcp.CallToolResult, any, error) {
		m.effects.mu.Lock()
		defer m.effects.mu.Unlock()
		m.effects.of[in.Key]++
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: in.Key}}}, nil, nil
	})
	mux := http.NewServeMux()
	get := func(*http.Request) *mcp.Server { return server }
	mux.Handle("/state", mcp.NewStreamableHTTPHandler(get, nil))
	mux.Handle("/none", mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: true}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	m.serving = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = m.serving.Serve(listener) }() // It ends with stop.
	m.servers = [2]string{"http://" + listener.Addr().String() + "/state", "http://" + listener.Addr().String() + "/none"}
	return nil
}

// stop ends what was started.
func (m *machine) stop() {
	for _, p := range append([]*process{m.nats}, m.nodes...) {
		if p != nil {
			_ = p.kill() // It may have ended.
		}
	}
	if m.wire != nil {
		m.wire.close()
	}
	if m.serving != nil {
		_ = m.serving.Close()
	}
}
