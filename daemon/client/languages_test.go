package client_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/pluginpb"

	caissonv1 "github.com/caisson-dev/caisson/daemon/gen/caisson/v1"
)

// said is what the clients of testdata print: the tools, a call, a call with its progress, and an error.
const said = `tools ask echo
result hällo
progress 1
progress 2
progress 3
result done
error UNKNOWN CODE_RPC up tools/call
`

// TestPython has a client in Python call the daemon, with code of the same proto.
func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("there is no Python: %v", err)
	}
	venv := installed(t, "python", []string{"requirements.txt"}, func(folder string) {
		command(t, folder, "python3", "-m", "venv", ".")
		command(t, folder, pythonOf(folder), "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt")
	})
	gen := t.TempDir()
	files, err := filepath.Glob("../../proto/caisson/v1/*.proto")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are %d files of the proto, %v", len(files), err)
	}
	arguments := append([]string{"-m", "grpc_tools.protoc", "-I../../proto", "--python_out=" + gen, "--grpc_python_out=" + gen}, files...)
	command(t, ".", pythonOf(venv), arguments...)
	d := startDaemon(t, t.TempDir(), one(serve(t, upstream(t))))
	t.Setenv("PYTHONPATH", gen)
	t.Setenv("PYTHONIOENCODING", "utf-8")
	if got := command(t, ".", pythonOf(venv), "testdata/python/client.py", d.address, d.token, "up"); got != said {
		t.Errorf("it prints\n%s", got)
	}
}

func pythonOf(venv string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(venv, "Scripts", "python.exe")
	}
	return filepath.Join(venv, "bin", "python")
}

// TestTypeScript has a client in TypeScript call the daemon, with code of the same proto. The compiler checks its types.
func TestTypeScript(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skipf("there is no Node: %v", err)
	}
	folder := installed(t, "typescript", []string{"package.json", "package-lock.json"}, func(folder string) {
		command(t, folder, "npm", "ci", "--no-audit", "--no-fund")
	})
	project, err := os.MkdirTemp(folder, "client") // Below the packages, where Node looks for them.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(project) })
	generate(t, filepath.Join(folder, "node_modules", "@bufbuild", "protoc-gen-es", "bin", "protoc-gen-es"), filepath.Join(project, "gen"))
	for _, name := range []string{"client.ts", "tsconfig.json"} {
		copyFile(t, filepath.Join("testdata", "typescript", name), filepath.Join(project, name))
	}
	command(t, project, "node", filepath.Join(folder, "node_modules", "typescript", "bin", "tsc"))
	d := startDaemon(t, t.TempDir(), one(serve(t, upstream(t))))
	if got := command(t, project, "node", "built/client.js", "http://"+d.address, d.token, "up"); got != strings.ReplaceAll(said, "UNKNOWN CODE_", "Unknown ") {
		t.Errorf("it prints\n%s", got)
	}
}

// generate has a plugin of protoc make TypeScript of the proto, as buf and protoc do.
func generate(t *testing.T, plugin, into string) {
	t.Helper()
	parameter := "target=ts,import_extension=js"
	request := &pluginpb.CodeGeneratorRequest{Parameter: &parameter, ProtoFile: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto), protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
	}}
	for _, file := range []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(caissonv1.File_caisson_v1_error_proto), protodesc.ToFileDescriptorProto(caissonv1.File_caisson_v1_mcp_proto),
	} {
		request.ProtoFile = append(request.ProtoFile, file)
		request.FileToGenerate = append(request.FileToGenerate, file.GetName())
	}
	text, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "node", plugin)
	run.Stdin = bytes.NewReader(text)
	out, err := run.Output()
	response := &pluginpb.CodeGeneratorResponse{}
	if err == nil {
		err = proto.Unmarshal(out, response)
	}
	if err != nil || len(response.GetFile()) != len(request.FileToGenerate) {
		t.Fatalf("the plugin makes %d files: %v %s", len(response.GetFile()), err, response.GetError())
	}
	for _, file := range response.GetFile() {
		path := filepath.Join(into, filepath.FromSlash(file.GetName()))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.GetContent()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// installed is a folder of the user's cache with what the files of testdata pin, named after them. It is filled once.
func installed(t *testing.T, language string, pins []string, install func(folder string)) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, name := range pins {
		text, err := os.ReadFile(filepath.Join("testdata", language, name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	folder := filepath.Join(cache, "caisson-test", fmt.Sprintf("daemon-%s-%x", language, sum.Sum(nil)[:8]))
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return folder
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range pins {
		copyFile(t, filepath.Join("testdata", language, name), filepath.Join(folder, name))
	}
	install(folder)
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// command runs a program in a folder, and returns what it prints.
func command(t *testing.T, folder, name string, arguments ...string) string {
	t.Helper()
	run := exec.CommandContext(t.Context(), name, arguments...)
	run.Dir = folder
	var out, failed bytes.Buffer
	run.Stdout, run.Stderr = &out, &failed
	if err := run.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, &out, &failed)
	}
	return out.String()
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestShownClients shows that the clients of docs/daemon.md are those that are tried here.
func TestShownClients(t *testing.T) {
	document, err := os.ReadFile("../../docs/daemon.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, path := range map[string]string{"python": "testdata/python/client.py", "ts": "testdata/typescript/client.ts"} {
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(document), "```"+language+"\n")
		block, _, closed := strings.Cut(rest, "```")
		if !found || !closed {
			t.Errorf("docs/daemon.md has no client in %s", language)
			continue
		}
		for part := range strings.SplitSeq(strings.TrimSpace(block), "\n\n") {
			if !strings.Contains(string(program), part) {
				t.Errorf("%s does not have\n%s", path, part)
			}
		}
	}
}
