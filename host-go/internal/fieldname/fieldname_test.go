package fieldname

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// programsAlone are the fields that only a Go program can set, and that errors name all the same.
var programsAlone = []string{
	"ClientOptions.MaxSleep", "ClientOptions.MaxSleepBytes", "ClientOptions.MeterProvider", "ClientOptions.SleepClaims", "ClientOptions.SleepKey", "ClientOptions.Capabilities", "ClientOptions.ClientInfo", "ClientOptions.CreateMessageHandler", "ClientOptions.Extensions", "ClientOptions.Handlers",
	"ClientOptions.KeepAlive", "ClientOptions.MaxGuestTime", "ClientOptions.MaxListBytes", "ClientOptions.MaxListItems", "ClientOptions.MaxListPages", "ClientOptions.MaxMemoryBytes", "ClientOptions.MaxMessageBytes", "ClientOptions.MaxQueuedBytes",
	"ClientOptions.MaxSleep", "ClientOptions.MaxSleepBytes", "ClientOptions.NotificationQueue", "ClientOptions.OnNotification", "ClientOptions.Principal", "ClientOptions.Roots", "ClientOptions.SleepClaims", "ClientOptions.SleepKey", "RuntimeOptions.CacheDir", "RuntimeOptions.CompileFirst", "RuntimeOptions.MaxScripts", "RuntimeOptions.MaxSessions",
	"Server.HTTPTransport", "Server.Transport", "Session.Listen", "Session.NotifyRootsListChanged", "Session.Request",
	"Script.Module", "Script.Module.Instances", "Session.StartTask", "Session.Task", "auth.Token", "bearer.Options",
}

// Every field that an error of the library names has a name elsewhere, or is one of those that have none.
func TestNamesInErrors(t *testing.T) {
	alone := map[string]bool{}
	for _, field := range programsAlone {
		alone[field] = true
	}
	found := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && (name == "testdata" || name == "fieldname" || name == "cmd" || name == "docs" || name == "component"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Error(err)
			}
			for _, field := range qualified.FindAllString(text, -1) {
				found++
				known := lookup(field)
				if has := known.member != "" || known.flag != ""; has == alone[field] {
					t.Errorf("%s names %s: what is it called in a configuration file and at the command line?", path, field)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 40 {
		t.Errorf("only %d names were found", found)
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string][2]string{
		"auth.OAuth.ClientSecret is set":                      {"clientSecret is set", "--client-secret (clientSecret in a configuration) is set"},
		"auth.Rough.AssumePKCE goes on":                       {"assumePKCE goes on", "assumePKCE goes on"},
		"set auth.EnterpriseManaged.IdentityProviderTokenURL": {"set auth.identityProviderTokenUrl", "set auth.identityProviderTokenUrl"},
		"auth.ClientCredentials.PrivateKey is set":            {"auth.privateKey is set", "auth.privateKey is set"},
		"auth.WorkloadIdentity.Assertion is not set":          {"auth.assertion is not set", "auth.assertion is not set"},
		"auth.Bearer.Source gives no token":                   {"auth.token gives no token", "auth.token gives no token"},
		"the token that auth.Bearer has":                      {"the token that auth of type bearer has", "the token that auth of type bearer has"},
		"; Server.Auth logs in":                               {"; oauth or auth logs in", "; 'caisson auth login' logs in"},
		"set ClientOptions.PrivateAddresses":                  {"set a Go program's ClientOptions.PrivateAddresses", "set --private-addresses"},
		"raise ClientOptions.MaxMessageBytes if":              {"raise a Go program's ClientOptions.MaxMessageBytes if", "raise a Go program's ClientOptions.MaxMessageBytes if"},
		"bearer.Options.URL: \"x\" is no origin":              {"a Go program's bearer.Options.URL: \"x\" is no origin", "--url: \"x\" is no origin"},
		"auth.token and https://auth.example.com/Server":      {"auth.token and https://auth.example.com/Server", "auth.token and https://auth.example.com/Server"},
	} {
		if got := InFile(text); got != want[0] {
			t.Errorf("in a file %q is %q", text, got)
		}
		if got := AtCommandLine(text); got != want[1] {
			t.Errorf("at the command line %q is %q", text, got)
		}
	}
}
