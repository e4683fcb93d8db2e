package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Rules are what the author of a policy writes. The names in JSON are those of the file.
type Rules struct {
	// Version is the version of the format: 1.
	Version int `json:"version"`
	// People says at which clients there is a person: only their answers to an elicitation count as approvals.
	// Default: nowhere.
	People []Person `json:"people,omitempty"`
	// Pins says what is demanded of definitions, and of who a server is. Default: nothing.
	Pins *Pins `json:"pins,omitempty"`
	// Audit says where decisions are written. Default: nowhere.
	Audit *Audit `json:"audit,omitempty"`
	// Servers, Plugins and Scripts are what may be used. Default: none.
	Servers []Source `json:"servers,omitempty" policy:"named"`
	Plugins []Source `json:"plugins,omitempty" policy:"named"`
	Scripts []Source `json:"scripts,omitempty" policy:"named"`
}

// A Person is a principal at a client downstream, such as an editor. The name of a client is its own word: name
// here only principals whose programs you trust to ask a person.
type Person struct {
	// Principal is a principal, or a pattern for principals. It is required.
	Principal string `json:"principal"`
	// Clients are the names of clients, as they say them in clientInfo, or patterns. At least one is required.
	Clients []string `json:"clients"`
}

// A Source has the rules for a server, a plugin or a script.
type Source struct {
	// Name is the name in the configuration, or a pattern for names. Rules for the exact name come first,
	// and then the first pattern that fits.
	Name string `json:"name" policy:"key"`
	// Principals and Callers may use it. Default: all.
	Principals []string `json:"principals,omitempty"`
	Callers    []Caller `json:"callers,omitempty"`
	// ReadOnly denies the tools that are not annotated with readOnlyHint. The annotation is the server's own
	// word. Default: false.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Stateless says that a server keeps nothing of one session that another one could notice. Then the sessions of a
	// principal with the gateway share theirs with the server; see package gateway. Only a server has it. Default: false.
	Stateless bool `json:"stateless,omitempty"`
	// Tools, Resources and Prompts are granted by name, or by URI. Default: none.
	Tools     []Rule `json:"tools,omitempty"`
	Resources []Rule `json:"resources,omitempty"`
	Prompts   []Rule `json:"prompts,omitempty"`
	// Methods are granted beside those that the protocol needs and those of tools, resources and prompts:
	// the methods of extensions, and tasks/* for tasks that this client has not begun. Default: none.
	Methods []Rule `json:"methods,omitempty"`
	// Asks are what the server may ask the client. Default: nothing.
	Asks []Asking `json:"asks,omitempty"`
	// Limits hold for all calls to the source together.
	Limits
	// Origins may be connected with, such as https://api.example.com. Default: any, for a server; none, for a
	// plugin.
	Origins []string `json:"origins,omitempty"`
	// Commands may be started, as the configuration names them. Default: any, for a server.
	Commands []string `json:"commands,omitempty"`
	// Environment has the variables that it may get, besides those of every command. Default: any, for a
	// server; none, for a plugin.
	Environment []string `json:"environment,omitempty"`
	// Secrets are variables of a plugin's environment, by name, that the host fills in when it loads the plugin.
	// Each value is a reference: ${env:NAME}, ${file:PATH} or ${keyring:SERVICE/NAME}. The secret itself is in
	// no policy. Default: none.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Folders may be used by a plugin (see [Policy.CheckGrants]), and by a server's command, which the kernel then
	// confines to them and to the system's programs: see package confine. An empty list is none. Default: none, for
	// a plugin; any, for a server.
	Folders []Folder `json:"folders,omitzero"`
	// Ports are the TCP ports, 1 to 65535, that a server's command may connect with, at any address. The kernel
	// confines it to them, and it may wait for connections at none. An empty list is none. Default: any. Plugins
	// and scripts have none.
	Ports []int `json:"ports,omitzero"`
}

// A Rule grants, or denies, tools, resources, prompts or methods. In a file, a rule that is only a name is
// written as that name.
type Rule struct {
	// Name has the names or patterns that the rule is for, of which one must fit. In a pattern, * stands for
	// any number of printable characters other than "/", and ** for any number of printable characters. The
	// case of letters counts. A backslash before * makes it an ordinary character.
	Name []string `json:"name"`
	// Deny makes it a rule that denies. Default: it grants.
	Deny bool `json:"deny,omitempty"`
	// Principals and Callers are whom the rule is for. Default: all.
	Principals []string `json:"principals,omitempty"`
	Callers    []Caller `json:"callers,omitempty"`
	// ReadOnly makes the rule fit only tools that are annotated with readOnlyHint, which is the server's own
	// word. Default: false.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Arguments is a JSON Schema that the arguments must satisfy, besides the tool's own. Default: none.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Ask makes somebody say yes first. Default: nobody is asked.
	Ask *Ask `json:"ask,omitempty"`
	// Limits hold for each name apart.
	Limits
	// Redact keeps parts of arguments and results out of the audit log. Default: nothing.
	Redact *Redact `json:"redact,omitempty"`
}

// Limits bound calls. A limit that is 0 or nil is none.
type Limits struct {
	// Rate is how often calls may be made, by each principal.
	Rate *Rate `json:"rate,omitempty"`
	// Concurrency is how many calls each principal may have under way.
	Concurrency int `json:"concurrency,omitempty"`
	// MaxArgumentBytes bounds the JSON text of a call's arguments.
	MaxArgumentBytes int `json:"maxArgumentBytes,omitempty"`
	// MaxResultBytes bounds the JSON text of a result. The call has been made when it is found too large.
	MaxResultBytes int `json:"maxResultBytes,omitempty"`
}

// A Rate is a bucket of tokens: each call takes one. It is full at first.
type Rate struct {
	// MaxTokens is how many the bucket holds.
	MaxTokens int `json:"maxTokens"`
	// RefillPeriod is the time in which an empty bucket becomes full.
	RefillPeriod Duration `json:"refillPeriod"`
}

// An Ask says that a call waits for somebody's yes.
type Ask struct {
	// Who may say yes: a principal, or a pattern for principals. A yes of anybody else does not count; see
	// [Question.Accepts]. Default: "", whoever is asked.
	Who string `json:"who,omitempty"`
	// Text is shown with the question. Default: none.
	Text string `json:"text,omitempty"`
	// Lasts is how long a yes counts: "once", for one call; "session", as long as the client is open; or a
	// duration such as "8h". Default: once.
	Lasts Lasts `json:"lasts,omitempty"`
	// Covers is what a yes that lasts is for: "arguments", the same tool with the same arguments; "tool", the
	// same tool with any arguments that the rules allow. Default: arguments.
	Covers Covers `json:"covers,omitempty"`
	// Within bounds the wait for an answer. Default: 1 h.
	Within Duration `json:"within,omitempty"`
}

// Redact names members by JSON Pointers (RFC 6901), such as /user/password, in which a * stands for any one
// member or item; or by a name without a "/", for members of this name at any depth.
type Redact struct {
	Arguments []string `json:"arguments,omitempty"`
	Result    []string `json:"result,omitempty"`
}

// Pins says what is demanded of definitions.
type Pins struct {
	Mode PinMode `json:"mode"`
	// MaxAge is how old the knowledge of a definition may be when it is used: an older one is listed
	// anew before. Default: 1 min. "0s" lists before each call.
	MaxAge *Duration `json:"maxAge,omitempty"`
}

// Audit says where decisions and outcomes are written.
type Audit struct {
	// File is the path. A relative path begins at the folder of the policy's file.
	File string `json:"file"`
	// Optional lets a call be made whose decision cannot be written. Default: it is refused.
	Optional bool `json:"optional,omitempty"`
	// Content is what the log has of arguments and results beside their sizes and hashes: "none",
	// "arguments" or "all". Default: none.
	Content Content `json:"content,omitempty"`
	// MaxBytes is the size at which a file is rotated. Default: 16 MiB.
	MaxBytes int64 `json:"maxBytes,omitempty"`
	// Files is how many files are kept, the current one included. Default: 8.
	Files int `json:"files,omitempty"`
	// Redact is kept out of all arguments and results; see [Redact]. Default: nothing.
	Redact []string `json:"redact,omitempty"`
}

// A Folder may be used for reading, or for writing too.
type Folder struct {
	// Path is the folder's path on this machine. In a file, a relative one begins at the folder of the file.
	Path   string `json:"path"`
	Access Access `json:"access"`
}

// A Duration is a time.Duration that is written as text, such as "90s" or "1h30m".
type Duration time.Duration

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the duration. It must not be negative.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil || value < 0 {
		return errors.New(`it is no duration, such as "90s" or "1h30m"`)
	}
	*d = Duration(value)
	return nil
}

// Lasts is how long a yes counts: [Once], [ForSession], or a duration as text.
type Lasts string

// These are the values of [Lasts] that are no duration.
const (
	Once       Lasts = "once"
	ForSession Lasts = "session"
)

// until returns how long a yes counts, if it is a duration.
func (l Lasts) until() (time.Duration, bool) {
	d, err := time.ParseDuration(string(l))
	return d, err == nil && d > 0
}

// The values of options that are one of a few words. The zero value means the default.
type (
	// Covers is what a yes is for.
	Covers string
	// PinMode is what is done about definitions that are not approved.
	PinMode string
	// Content is what an audit log has of arguments and results.
	Content string
	// Access is what may be done in a folder.
	Access string
	// Asking is something that a server may ask the client.
	Asking string
)

// These are the words.
const (
	CoversArguments Covers = "arguments"
	CoversTool      Covers = "tool"

	// PinsOff looks at no definition.
	PinsOff PinMode = "off"
	// PinsWarn logs what is not approved.
	PinsWarn PinMode = "warn"
	// PinsEnforce neither lists nor calls what is not approved.
	PinsEnforce PinMode = "enforce"

	ContentNone      Content = "none"
	ContentArguments Content = "arguments"
	ContentAll       Content = "all"

	AccessRead  Access = "read"
	AccessWrite Access = "write"

	AskSampling    Asking = "sampling"
	AskElicitation Asking = "elicitation"
	AskRoots       Asking = "roots"
)

// Words returns the words that a value may have; nil where it is not one of a few words. Those who read a
// policy ask for them.
func Words(value any) []string {
	switch value.(type) {
	case Covers:
		return []string{"arguments", "tool"}
	case PinMode:
		return []string{"off", "warn", "enforce"}
	case Content:
		return []string{"none", "arguments", "all"}
	case Access:
		return []string{"read", "write"}
	case Asking:
		return []string{"sampling", "elicitation", "roots"}
	case Caller:
		return callers
	}
	return nil
}

// A RuleError says what is wrong with a rule.
type RuleError struct {
	// Key is where the rule stands, such as servers.files.tools[2].arguments; "" for the whole.
	Key string
	// Message says what is wrong, and what to do about it.
	Message string
}

// Error returns the key and the message.
func (e *RuleError) Error() string {
	if e.Key == "" {
		return "policy: " + e.Message
	}
	return fmt.Sprintf("policy: %s: %s", e.Key, e.Message)
}
