// Package fieldname says what fields of the library's Go types are called where there is no Go: in a configuration
// file, and at the command line. Errors of the library name the fields.
package fieldname

import (
	"regexp"
	"strings"
)

// qualified matches a field or a type of the library as errors have it, such as auth.OAuth.ClientID.
var qualified = regexp.MustCompile(`\b(?:Server|ClientOptions|RuntimeOptions|ScriptLimits|Script|Session|auth|bearer)(?:\.[A-Z][A-Za-z]*)+\b`)

// A name is what a field is called elsewhere.
type name struct {
	member string // of a configuration file; "" for nothing
	flag   string // of the command line; "" for none
}

// names has what the rules of lookup do not give.
var names = map[string]name{
	"Server.Args":        {"args", ""},
	"Server.Auth":        {"oauth or auth", "'caisson auth login'"},
	"ClientOptions.Auth": {"oauth or auth", "'caisson auth login'"},
	"Server.Command":     {"command", ""},
	"Server.Env":         {"env", "--env"},
	"Server.Headers":     {"headers", "--header"},
	"Server.Type":        {"type", "--transport"},
	"Server.URL":         {"url", ""},
	"auth.OAuth":         {"oauth", ""},
	"auth.Bearer":        {"auth of type bearer", ""},
	"auth.None":          {"an oauth that is off", ""},
	"auth.OAuth.Ask":     {"", "--wait-for-auth"},
	"auth.OAuth.Device":  {"", "--device-code"},

	"auth.ClientCredentials": {"auth of type client-credentials", ""},
	"auth.EnterpriseManaged": {"auth of type enterprise", ""},
	"auth.WorkloadIdentity":  {"auth of type workload", ""},

	"auth.OAuth.AuthURL":           {"authorizationUrl", ""},
	"auth.OAuth.AuthorizeParams":   {"authorizeParams", "--authorize-param"},
	"auth.OAuth.ClientID":          {"clientId", "--client-id"},
	"auth.OAuth.ClientMetadataURL": {"clientMetadataUrl", "--client-metadata-url"},
	"auth.OAuth.ClientSecret":      {"clientSecret", "--client-secret"},
	"auth.Common.DPoP":             {"dpop", ""},
	"auth.Common.Resource":         {"resource", "--resource"},
	"auth.Common.Scopes":           {"scopes", "--scope"},
	"auth.Browser.Port":            {"callbackPort", "--callback-port"},
	"auth.Browser.Wait":            {"", "--wait-for-auth"},
	"auth.Browser.Notice":          {"", "--wait-for-auth"},
	"auth.Browser.Prompt":          {"", "--wait-for-auth"},
	"auth.Bearer.Source":           {"auth.token", ""},

	"bearer.Options.Audiences":  {"", "--audience"},
	"bearer.Options.Issuers":    {"", "--issuer"},
	"bearer.Options.Scopes":     {"", "--scope"},
	"bearer.Options.TokensFile": {"", "--tokens"},
	"bearer.Options.URL":        {"", "--url"},

	"ClientOptions.ConnectTimeout":   {"", "--timeout"},
	"ClientOptions.ListRootsHandler": {"", "--root"},
	"ClientOptions.PrivateAddresses": {"", "--private-addresses"},
	"ClientOptions.Record":           {"", "--record"},
	"ClientOptions.Audit":            {"audit of the policy", ""},
	"ClientOptions.Pins":             {"", "--lock"},
	"ClientOptions.Policy":           {"", "--policy"},
	"RuntimeOptions.NoCache":         {"", "--no-cache"},
	"RuntimeOptions.Isolation":       {"isolation", "--isolation"},
	"RuntimeOptions.MaxWorkers":      {"maxWorkers", ""},

	"Script.Input":    {"", "--input"},
	"Script.Language": {"", "--lang"},
	"Script.Now":      {"", "--now"},

	"ScriptLimits.AnswerBytes":   {"", "--answer-bytes"},
	"ScriptLimits.ArgumentBytes": {"", "--argument-bytes"},
	"ScriptLimits.Computing":     {"", "--computing"},
	"ScriptLimits.Fuel":          {"", "--fuel"},
	"ScriptLimits.LogLines":      {"", "--log-lines"},
	"ScriptLimits.MemoryBytes":   {"", "--memory"},
	"ScriptLimits.OutputBytes":   {"", "--output-bytes"},
	"ScriptLimits.ParallelCalls": {"", "--parallel-calls"},
	"ScriptLimits.ResultDepth":   {"", "--result-depth"},
	"ScriptLimits.SourceBytes":   {"", "--source-bytes"},
	"ScriptLimits.Time":          {"", "--time"},
	"ScriptLimits.Timers":        {"", "--timers"},
	"ScriptLimits.ToolCalls":     {"", "--tool-calls"},
}

// programs have what neither a configuration file nor the command line has.
const programs = "a Go program's "

// lookup gives what a field is called elsewhere.
func lookup(field string) name {
	if known, ok := names[field]; ok {
		return known
	}
	parts := strings.Split(field, ".")
	if len(parts) < 3 || parts[0] != "auth" || parts[1] == "Browser" {
		return name{}
	}
	last := strings.NewReplacer("ID", "Id", "URL", "Url").Replace(parts[len(parts)-1])
	member := strings.ToLower(last[:1]) + last[1:]
	switch parts[1] {
	case "Bearer", "ClientCredentials", "EnterpriseManaged", "WorkloadIdentity":
		member = "auth." + member // Those of a person's login may be under oauth.
	}
	return name{member: member}
}

// InFile writes an error of the library for somebody who has a configuration file: with the names of its members.
func InFile(text string) string {
	return qualified.ReplaceAllStringFunc(text, func(field string) string {
		if known := lookup(field); known.member != "" {
			return known.member
		}
		return programs + field
	})
}

// AtCommandLine writes an error of the library for somebody at the command line: with its flags, and the names of
// the members of a configuration file.
func AtCommandLine(text string) string {
	return qualified.ReplaceAllStringFunc(text, func(field string) string {
		known := lookup(field)
		switch {
		case known.flag != "" && strings.HasPrefix(field, "auth.") && known.member != "":
			return known.flag + " (" + known.member + " in a configuration)"
		case known.flag != "":
			return known.flag
		case known.member != "":
			return known.member
		}
		return programs + field
	})
}
