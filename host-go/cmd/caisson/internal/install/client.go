// Package install adds an MCP server to the configuration files of programs that use MCP servers.
package install

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// An Entry is the server that is added.
type Entry struct {
	Name    string
	Command string // an absolute path
	Args    []string
}

// An Environment says where a program looks for its file.
type Environment struct {
	System string // as runtime.GOOS has it
	Home   string // the user's folder
	Folder string // the current folder
	Getenv func(string) string
}

// A Client is a program that starts MCP servers.
type Client struct {
	// Name is what it is called on the command line, and Title what people call it.
	Name, Title string
	// Restart says what has to be done before it sees the server.
	Restart string

	// at gives the path of its file, or "" where its makers name none for the system.
	at func(Environment) string
	format
	// member leads to the servers: a table of them by name, or with list a list.
	member string
	list   bool
	// fields are what an entry has.
	fields func(Entry) []field
	// fresh are members that a new file needs besides.
	fresh []field
}

// A field is a member of an entry. Its value is a string, a bool, an int or a []string.
type field struct {
	name  string
	value any
}

// format is the language of a file.
type format int

const (
	jsonc format = iota
	toml
	yaml
)

// Clients are those that are known, in the order of their names. docs/clients.md says where the makers of each
// describe its file.
func Clients() []*Client { return slices.Clone(clients) }

// Find finds a client by its name.
func Find(name string) (*Client, error) {
	var names []string
	for _, c := range clients {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return nil, fmt.Errorf("%q is not a client that is known: use one of %s", name, strings.Join(names, ", "))
}

// Path gives the path of the client's file.
func (c *Client) Path(e Environment) (string, error) {
	path := c.at(e)
	if path == "" {
		return "", fmt.Errorf("%s: its makers name no file for %s: add the entry where it keeps its servers", c.Title, e.System)
	}
	if !filepath.IsAbs(path) && e.System != "windows" { // The paths of another system than this one are for tests.
		return "", fmt.Errorf("%s: %s is no absolute path", c.Title, path)
	}
	return path, nil
}

// Render gives the entry as it stands in a file that has nothing else.
func (c *Client) Render(e Entry) (string, error) {
	text, err := c.Add(nil, e)
	return string(text), err
}

// Add adds the entry to the text of a file, or replaces the one of its name, and leaves all else as it is. An empty
// text is a new file. It fails where the text is broken, or where the entry cannot be put in without touching
// anything else.
func (c *Client) Add(text []byte, e Entry) ([]byte, error) {
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("it has more than %d bytes", maxFileBytes)
	}
	if !isName(e.Name) {
		return nil, fmt.Errorf("%q cannot name a server: use 1 to 64 letters, digits, - and _", e.Name)
	}
	text, marked := bytes.CutPrefix(text, []byte(mark))
	added, err := map[format]func([]byte, Entry) ([]byte, error){jsonc: c.addJSON, toml: c.addTOML, yaml: c.addYAML}[c.format](text, e)
	if err == nil && marked {
		added = append([]byte(mark), added...)
	}
	return added, err
}

// mark is the byte order mark, with which some editors begin a file.
const mark = "\uFEFF"

// newlineOf is what ends the lines of a text.
func newlineOf(text []byte) string {
	if bytes.Contains(text, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// isName reports whether every client takes a text as the name of a server, and every format without quotes.
func isName(text string) bool {
	for _, c := range []byte(text) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return text != "" && len(text) <= 64 && strings.Trim(text, "0123456789-_") != ""
}

// maxFileBytes bounds a client's file.
const maxFileBytes = 16 << 20

// home is a path below the user's folder, on every system.
func home(parts ...string) func(Environment) string {
	return func(e Environment) string { return e.join(append([]string{e.Home}, parts...)...) }
}

// join joins a path as the system does.
func (e Environment) join(parts ...string) string {
	if slices.Contains(parts, "") {
		return ""
	}
	if e.System == "windows" {
		return strings.Join(parts, `\`)
	}
	return strings.Join(parts, "/")
}

// roaming is the folder for settings of Windows.
func (e Environment) roaming() string {
	if at := e.Getenv("APPDATA"); at != "" {
		return at
	}
	return e.join(e.Home, "AppData", "Roaming")
}

// xdg is the folder for settings of Linux.
func (e Environment) xdg() string {
	if at := e.Getenv("XDG_CONFIG_HOME"); strings.HasPrefix(at, "/") {
		return at
	}
	return e.join(e.Home, ".config")
}

// plain are the fields that most clients have.
func plain(e Entry) []field { return []field{{"command", e.Command}, {"args", e.Args}} }

// typed are those fields with the transport.
func typed(e Entry) []field { return append([]field{{"type", "stdio"}}, plain(e)...) }

var clients = []*Client{
	{
		Name: "claude-code", Title: "Claude Code", member: "mcpServers", fields: typed,
		Restart: "it asks for your yes when it is started in this folder",
		at:      func(e Environment) string { return e.join(e.Folder, ".mcp.json") },
	},
	{
		Name: "claude-desktop", Title: "Claude Desktop", member: "mcpServers", fields: plain, Restart: "start it anew",
		at: func(e Environment) string {
			switch e.System {
			case "darwin":
				return e.join(e.Home, "Library", "Application Support", "Claude", "claude_desktop_config.json")
			case "windows":
				return e.join(e.roaming(), "Claude", "claude_desktop_config.json")
			}
			return ""
		},
	},
	{
		Name: "cline", Title: "Cline", member: "mcpServers", fields: plain,
		at: home(".cline", "data", "settings", "cline_mcp_settings.json"),
	},
	{
		Name: "codex", Title: "Codex", format: toml, member: "mcp_servers", fields: plain, Restart: "start it anew",
		at: func(e Environment) string {
			if at := e.Getenv("CODEX_HOME"); at != "" {
				return e.join(at, "config.toml")
			}
			return e.join(e.Home, ".codex", "config.toml")
		},
	},
	{
		Name: "continue", Title: "Continue", format: yaml, member: "mcpServers", list: true,
		fields: func(e Entry) []field { return append([]field{{"name", e.Name}}, plain(e)...) },
		fresh:  []field{{"name", "Local Config"}, {"version", "1.0.0"}, {"schema", "v1"}},
		at:     home(".continue", "config.yaml"),
	},
	{
		Name: "cursor", Title: "Cursor", member: "mcpServers", fields: plain,
		at: home(".cursor", "mcp.json"),
	},
	{
		Name: "gemini-cli", Title: "Gemini CLI", member: "mcpServers", fields: plain, Restart: "start it anew",
		at: home(".gemini", "settings.json"),
	},
	{
		Name: "goose", Title: "goose", format: yaml, member: "extensions", Restart: "start it anew",
		fields: func(e Entry) []field {
			return []field{{"name", e.Name}, {"type", "stdio"}, {"cmd", e.Command}, {"args", e.Args}, {"enabled", true}, {"timeout", 300}}
		},
		at: func(e Environment) string {
			if e.System == "windows" {
				return e.join(e.roaming(), "Block", "goose", "config", "config.yaml")
			}
			return e.join(e.Home, ".config", "goose", "config.yaml")
		},
	},
	{
		Name: "junie", Title: "Junie", member: "mcpServers", fields: plain,
		at: home(".junie", "mcp", "mcp.json"),
	},
	{
		Name: "lm-studio", Title: "LM Studio", member: "mcpServers", fields: plain,
		at: home(".lmstudio", "mcp.json"),
	},
	{
		Name: "opencode", Title: "opencode", member: "mcp", Restart: "start it anew",
		fields: func(e Entry) []field {
			return []field{{"type", "local"}, {"command", append([]string{e.Command}, e.Args...)}, {"enabled", true}}
		},
		fresh: []field{{"$schema", "https://opencode.ai/config.json"}},
		at:    home(".config", "opencode", "opencode.json"),
	},
	{
		Name: "vscode", Title: "VS Code", member: "servers", fields: typed,
		at: func(e Environment) string {
			switch e.System {
			case "darwin":
				return e.join(e.Home, "Library", "Application Support", "Code", "User", "mcp.json")
			case "windows":
				return e.join(e.roaming(), "Code", "User", "mcp.json")
			}
			return e.join(e.xdg(), "Code", "User", "mcp.json")
		},
	},
	{
		Name: "windsurf", Title: "Windsurf", member: "mcpServers", fields: plain, Restart: "refresh its list of servers",
		at: home(".codeium", "windsurf", "mcp_config.json"),
	},
	{
		Name: "zed", Title: "Zed", member: "context_servers", fields: plain,
		at: func(e Environment) string {
			switch e.System {
			case "darwin":
				return e.join(e.Home, ".config", "zed", "settings.json")
			case "windows":
				return ""
			}
			return e.join(e.xdg(), "zed", "settings.json")
		},
	},
}
